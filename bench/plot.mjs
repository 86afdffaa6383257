/** Figures → cost.svg: cost per event by burst size, both logarithmic. */

const WIDTH = 790;
const HEIGHT = 440;
const LEFT = 64;
const RIGHT = 280;
const TOP = 40;
const BOTTOM = 48;

/** The floor, ours in one hue, the SDKs in others; told apart in grey too, by their names at the line's end. */
const COLOURS = {
  floor: "#555555",
  ours: "#0b6e4f",
  slim: "#2ca37c",
  tuned: "#7acbae",
  opentelemetry: "#c2571a",
  sentry: "#7b3fa0",
  posthog: "#b8860b",
  datadog: "#a3245e",
  snowplow: "#2b6cb0",
};

/** Px between two names. */
const LABEL_HEIGHT = 15;

const escaped = (text) => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

export function plot(figures, sizes) {
  const lines = figures.map(({ name, label, cost }) => ({
    name,
    label,
    points: sizes.map((size) => [size, Math.max(cost[size].median, 0.01)]),
  }));
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  const [first, last] = [Math.log10(sizes[0]), Math.log10(sizes.at(-1))];
  const x = (size) => LEFT + ((Math.log10(size) - first) / (last - first)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((Math.log10(value) - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const at = (number) => number.toFixed(1);

  const grid = Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step)).map(
    (
      value,
    ) => `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y(value))}" y2="${at(y(value))}" stroke="#ddd"/>
<text x="${LEFT - 8}" y="${at(y(value) + 4)}" text-anchor="end">${Number(value.toPrecision(1))}</text>`,
  );
  const ticks = sizes.map(
    (size) =>
      `<text x="${at(x(size))}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${size.toLocaleString("en")}</text>`,
  );

  // Names at the lines' ends, pushed apart from the top down.
  const ends = lines
    .map((line) => ({ ...line, end: y(line.points.at(-1)[1]) }))
    .sort((a, b) => a.end - b.end);
  let above = -Infinity;
  for (const line of ends) {
    line.place = Math.max(line.end, above + LABEL_HEIGHT);
    above = line.place;
  }
  const curves = ends.map(({ name, label, points, end, place }) => {
    const colour = COLOURS[name] ?? "#000000";
    const path = points.map(([size, value]) => `${at(x(size))},${at(y(value))}`).join(" ");
    const dots = points
      .map(([size, value]) => `<circle cx="${at(x(size))}" cy="${at(y(value))}" r="3" fill="${colour}"/>`)
      .join("");
    const dash = name === "floor" ? ' stroke-dasharray="5 4"' : "";
    const edge = WIDTH - RIGHT;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>${dots}
<line x1="${edge + 4}" y1="${at(end)}" x2="${edge + 14}" y2="${at(place)}" stroke="${colour}"/>
<text x="${edge + 18}" y="${at(place + 4)}" fill="${colour}">${escaped(label)}</text>`;
  });

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333" role="img" aria-label="Main-thread cost per event by burst size">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="20" font-size="14" font-weight="bold">Main thread, µs per event, capture plus flush (log)</text>
${grid.join("\n")}
${ticks.join("\n")}
<text x="${at((LEFT + WIDTH - RIGHT) / 2)}" y="${HEIGHT - 8}" text-anchor="middle">events in the burst</text>
${curves.join("\n")}
</svg>
`;
}
