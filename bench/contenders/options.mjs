/**
 * Ours, as it is measured: the defaults, with room for a burst of 10,000 events (some 1.5 MB: the default bound of
 * 2 MiB takes it, but not together with what is still in flight from the burst before).
 *
 * `held`: the state in which events wait, to be weighed. Without consent they do, and nothing leaves.
 * `tuned`: the fullest batches that the options allow.
 */
export function options(endpoint, held, tuned) {
  return {
    endpoint,
    maxQueueBytes: 8 * 1024 * 1024,
    ...(held && { consent: "pending" }),
    ...(tuned && { maxBatchEvents: 1000, maxBatchBytes: 61440 }),
  };
}

/**
 * Resolves when the client works: the last that it does for that is to listen to the page's life. It gets there task by
 * task, and to ask for its state would have it finish at once.
 */
export function untilItWorks() {
  const { addEventListener } = globalThis;
  return new Promise((resolve) => {
    globalThis.addEventListener = (...listening) => {
      addEventListener(...listening);
      if (listening[0] !== "pagehide") return;
      globalThis.addEventListener = addEventListener;
      resolve();
    };
  });
}
