import { ArrowUp, MessagesSquare } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import type { Run } from "../flow/useRun";

/** The playground: a message in, the flow's answer out. */
export function ChatPanel({ run: { state, start } }: { run: Run }) {
  const [draft, setDraft] = useState("");
  const log = useRef<HTMLDivElement>(null);
  const isRunning = state.status === "running";
  const message = draft.trim();

  useEffect(() => {
    log.current?.scrollTo({ top: log.current.scrollHeight });
  }, [state.chat, isRunning]);

  return (
    <section className="panel chat-panel" aria-labelledby="chat-title">
      <div className="panel-head">
        <h2 id="chat-title">Playground</h2>
      </div>
      <div className="chat-log" role="log" aria-label="Conversation" tabIndex={0} ref={log}>
        {state.chat.length === 0 && (
          <div className="empty">
            <MessagesSquare aria-hidden />
            <p>Say something, or press Run.</p>
            <p>Timings and outcomes are tracked. What you write is not.</p>
          </div>
        )}
        {state.chat.map(({ id, from, text }) => (
          <p key={id} className="chat-message" data-from={from}>
            {text}
          </p>
        ))}
        {isRunning && (
          <p className="chat-message chat-typing" data-from="flow">
            <span className="sr-only">The flow is running.</span>
            <i aria-hidden />
            <i aria-hidden />
            <i aria-hidden />
          </p>
        )}
      </div>
      <form
        className="chat-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (message === "" || isRunning) return;
          start(message);
          setDraft("");
        }}
      >
        <input
          type="text"
          aria-label="Message to the flow"
          placeholder="Message the flow…"
          autoComplete="off"
          maxLength={500}
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
        />
        <button
          type="submit"
          className="icon-button button-primary"
          aria-label="Send"
          aria-disabled={message === "" || isRunning}
        >
          <ArrowUp aria-hidden />
        </button>
      </form>
    </section>
  );
}
