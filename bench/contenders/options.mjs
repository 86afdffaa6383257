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
