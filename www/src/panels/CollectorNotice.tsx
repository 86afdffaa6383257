import { Inbox, Unplug } from "lucide-react";

import type { CollectorState } from "../collector/useCollector";

type Collector = CollectorState & { askAgain: () => void };

/** What stands in a panel that has nothing of the collector's to show: it is asked, silent, or empty. */
interface CollectorNoticeProps {
  collector: Collector;
  /** The sentence where the collector has nothing. */
  empty: string;
  /** Where another panel already says more about a silent collector. */
  brief?: boolean;
}

export function CollectorNotice({ collector, empty, brief = false }: CollectorNoticeProps) {
  if (collector.status === "loading")
    return (
      <div className="empty" role="status">
        <span className="skeleton" aria-hidden />
        <span className="skeleton" aria-hidden />
        <span className="skeleton" aria-hidden />
        <p className="sr-only">Asking the collector…</p>
      </div>
    );
  if (collector.snapshot === undefined && brief)
    return (
      <div className="empty">
        <Unplug aria-hidden />
        <p>No answer yet.</p>
      </div>
    );
  if (collector.snapshot === undefined)
    return (
      <div className="empty">
        <Unplug aria-hidden />
        <p>The collector does not answer.</p>
        <p>Events wait on this page, and are sent when it is back.</p>
        <button type="button" className="button" onClick={collector.askAgain}>
          Ask again
        </button>
      </div>
    );
  return (
    <div className="empty">
      <Inbox aria-hidden />
      <p>{empty}</p>
    </div>
  );
}
