import { Moon, Sun } from "lucide-react";
import { useState } from "react";

import { useCollector } from "./collector/useCollector";
import { FlowPanel } from "./flow/FlowPanel";
import { useRun } from "./flow/useRun";
import { ChatPanel } from "./panels/ChatPanel";
import { DurationsPanel } from "./panels/DurationsPanel";
import { EventsPanel } from "./panels/EventsPanel";
import { PagePanel } from "./panels/PagePanel";
import { SummaryPanel } from "./panels/SummaryPanel";
import { useTelemetryStats } from "./useTelemetryStats";
import { useTheme } from "./useTheme";

export function App() {
  const [theme, toggleTheme] = useTheme();
  const [mayFail, setMayFail] = useState(false);
  const run = useRun(mayFail);
  const stats = useTelemetryStats();
  const collector = useCollector(stats.sent);

  return (
    <>
      <header className="page-header">
        <Mark />
        <h1>
          Langflow telemetry <span>playground</span>
        </h1>
        <p>Run the flow, and watch its telemetry arrive.</p>
        <button
          type="button"
          className="icon-button"
          data-testid="theme-toggle"
          aria-label={`Use the ${theme === "dark" ? "light" : "dark"} theme`}
          onClick={toggleTheme}
        >
          {theme === "dark" ? <Sun aria-hidden /> : <Moon aria-hidden />}
        </button>
      </header>
      <main className="page-grid">
        <FlowPanel run={run} theme={theme} mayFail={mayFail} onMayFail={setMayFail} />
        <ChatPanel run={run} />
        <PagePanel stats={stats} />
        <EventsPanel collector={collector} />
        <DurationsPanel collector={collector} />
        <SummaryPanel collector={collector} />
      </main>
    </>
  );
}

function Mark() {
  return (
    <svg className="page-mark" viewBox="0 0 32 32" aria-hidden>
      <rect width="32" height="32" rx="8" fill="var(--ink)" />
      <path
        d="M9 21h5l4-10h5"
        fill="none"
        stroke="var(--mark)"
        strokeWidth="2.5"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <circle cx="9" cy="21" r="3" fill="var(--surface)" />
      <circle cx="23" cy="11" r="3" fill="var(--surface)" />
    </svg>
  );
}
