import { Bar, BarChart, CartesianGrid, Tooltip, XAxis, YAxis } from "recharts";

import type { ComponentFigures } from "../collector/api";
import { formatCount, formatSeconds } from "../format";
import { useMediaQuery } from "../useMediaQuery";

/** Pixels for one component: two bars and the air around them. */
const ROW_HEIGHT = 42;
/** Pixels for the axis under them. */
const AXIS_HEIGHT = 30;

/** Two bars a component. Its numbers stand in a table beside it, so it is hidden from assistive technology. */
export default function DurationsChart({ components }: { components: readonly ComponentFigures[] }) {
  const isStill = useMediaQuery("(prefers-reduced-motion: reduce)");
  return (
    <div aria-hidden className="durations-chart">
      <BarChart
        responsive
        style={{ width: "100%", height: components.length * ROW_HEIGHT + AXIS_HEIGHT }}
        data={components}
        layout="vertical"
        margin={{ top: 0, right: 28, bottom: 0, left: 6 }}
        barGap={2}
        barCategoryGap="24%"
        accessibilityLayer={false}
      >
        <CartesianGrid horizontal={false} stroke="var(--line)" />
        <XAxis
          type="number"
          tickFormatter={(seconds: number) => (seconds === 0 ? "0" : formatSeconds(seconds))}
          tickLine={false}
          axisLine={false}
          height={AXIS_HEIGHT}
        />
        <YAxis type="category" dataKey="name" width={108} tickLine={false} axisLine={false} interval={0} />
        <Tooltip
          cursor={{ fill: "var(--hover)" }}
          isAnimationActive={false}
          content={({ active, payload }) => {
            const figures = payload[0]?.payload as ComponentFigures | undefined;
            if (!active || !figures) return null;
            return (
              <div className="chart-tooltip">
                <strong>{figures.name}</strong>
                <span>
                  {formatCount(figures.count)} {figures.count === 1 ? "execution" : "executions"}
                </span>
                <span>median {formatSeconds(figures.p50Seconds ?? 0)}</span>
                <span>p95 {formatSeconds(figures.p95Seconds ?? 0)}</span>
              </div>
            );
          }}
        />
        <Bar dataKey="p50Seconds" fill="var(--series-p50)" radius={3} isAnimationActive={!isStill} />
        <Bar dataKey="p95Seconds" fill="var(--series-p95)" radius={3} isAnimationActive={!isStill} />
      </BarChart>
    </div>
  );
}
