/** Visits to a page with the client, in a browser that is launched by tests/e2e/harness/browser.mjs. */

import assert from "node:assert/strict";

/** Facts for the Version event, none left out. */
export const APP = {
  package: "langflow",
  version: "1.13.0",
  python: "3.12",
  autoLogin: true,
  cacheType: "memory",
  backendOnly: false,
};

/** The test page with the entry that has these options' format. */
export const pageOf = ({ format }) => (format === "gateway" ? "/gateway.html" : "/app.html");

/**
 * Opens the test page of a site.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} site Its origin.
 * @param {object} options The client's.
 * @param {(route: import("playwright-core").Route) => unknown} [route] What becomes of the client's requests.
 */
export async function visit(browser, site, options, route) {
  const context = await browser.newContext();
  const page = await context.newPage();
  /** Of the client's requests; Playwright does not show what a beacon carries. */
  const bodies = [];
  const preflights = [];
  context.on("request", (request) => {
    if (request.method() === "POST" && request.postDataBuffer()) bodies.push(request.postDataBuffer());
    if (request.method() === "OPTIONS") preflights.push(request.url());
  });
  const all = { endpoint: "/telemetry", ...options };
  if (route) await page.route(new URL(all.endpoint, site).href, route);
  const address = new URL(pageOf(options), site);
  address.searchParams.set("options", JSON.stringify(all));
  await page.goto(address.href);
  await page.waitForFunction(() => window.ready);
  return {
    context,
    page,
    bodies,
    preflights,
    stats: () => page.evaluate(() => window.telemetry.stats()),
    flush: () => page.evaluate(() => window.telemetry.flush()),
    /** Away from the page: that sends its Shutdown. */
    leave: () => page.goto("about:blank"),
  };
}

/** Tracks every event and field once, and text that a careless encoder would spoil. */
export async function trackAll({ page }) {
  await page.evaluate(() => {
    const { telemetry } = window;
    const errorMessage = 'ValueError: "no"\n\tsuch \\ model: größer 模型 🦀';
    telemetry.trackRun({ seconds: 2.4, success: true, isWebhook: true });
    telemetry.trackRun({ seconds: 0, success: false, errorMessage });
    telemetry.trackPlayground({ seconds: 1834.207, success: true, componentCount: 5 });
    telemetry.trackPlayground({
      seconds: 0.001,
      success: false,
      componentCount: 0,
      errorMessage: "TimeoutError: -",
    });
    telemetry.trackComponent({ name: "ChatInput", seconds: 0.42, success: true });
    telemetry.trackComponent({ name: "LanguageModel", seconds: 9007199, success: false });
  });
}

/** What `trackAll` gave, between the Version that comes first and the Shutdown that comes last. */
export const TRACKED = [
  { event: "run", seconds: 2.4, success: true, isWebhook: true },
  {
    event: "run",
    seconds: 0,
    success: false,
    errorMessage: 'ValueError: "no"\n\tsuch \\ model: größer 模型 🦀',
  },
  { event: "playground", seconds: 1834.207, success: true, componentCount: 5 },
  { event: "playground", seconds: 0.001, success: false, componentCount: 0, errorMessage: "TimeoutError: -" },
  { event: "component", name: "ChatInput", seconds: 0.42, success: true },
  { event: "component", name: "LanguageModel", seconds: 9007199, success: false },
];

/**
 * Checks that events, in the order of their numbers, are those of a page that called `trackAll` and was left.
 *
 * @param {Record<string, unknown>[]} events As on the wire: fields that are not known are not there.
 */
export function assertTracked(events) {
  assert.deepEqual(
    events.map(({ seq }) => seq),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  for (const { session, time, clientType } of events) {
    assert.match(session, /^[0-9a-z]{12}$/);
    assert.ok(Math.abs(time - Date.now()) < 3_600_000, `${time} is about now`);
    assert.equal(clientType, "browser");
  }
  const envelope = ["session", "seq", "time", "clientType"];
  const own = events.map((event) =>
    Object.fromEntries(Object.entries(event).filter(([name]) => !envelope.includes(name))),
  );
  const [{ platform, arch, ...version }, ...rest] = own;
  assert.deepEqual(version, { event: "version", ...APP });
  assert.deepEqual([typeof platform, typeof arch], ["string", "string"]);
  const { event, timeRunning } = rest.pop();
  assert.equal(event, "shutdown");
  assert.ok(timeRunning > 0);
  assert.deepEqual(rest, TRACKED);
}

/** NDJSON bodies as events, in the order of their numbers. */
export function eventsOf(bodies) {
  const lines = bodies.flatMap((body) => body.toString("utf8").split("\n")).filter(Boolean);
  return lines.map((line) => JSON.parse(line)).sort((a, b) => a.seq - b.seq);
}
