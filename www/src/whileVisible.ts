/**
 * Repeats `task` while the page is visible: at once, then `pause(result)` ms after each end, never two at a time. A
 * hidden page does nothing, and a page shown again starts with the task. Returns a function that ends it for good.
 *
 * A chain of timeouts, not an interval: a slow answer must not pile up requests.
 */
export function repeatWhileVisible<Result>(
  task: (signal: AbortSignal) => Result | Promise<Result>,
  pause: (result: Result) => number,
): { again: () => void; end: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: AbortController | undefined;

  const stop = () => {
    clearTimeout(timer);
    running?.abort();
    running = undefined;
  };
  const start = async () => {
    stop();
    if (document.visibilityState === "hidden") return;
    const controller = new AbortController();
    running = controller;
    const result = await task(controller.signal);
    if (controller.signal.aborted) return;
    running = undefined;
    timer = setTimeout(again, pause(result));
  };
  const again = () => void start();

  document.addEventListener("visibilitychange", again);
  again();
  return {
    again,
    end: () => {
      document.removeEventListener("visibilitychange", again);
      stop();
    },
  };
}
