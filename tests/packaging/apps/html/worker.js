import { init, shutdown, stats, trackComponent } from "/lt/index.js";

/** Nothing tells a worker that it is about to end, and it has no beacon: so the page says when it is done. */
self.onmessage = async ({ data: { endpoint, name, end } }) => {
  if (!end) {
    init({ endpoint, flushIntervalMs: 0, app: { package: "html" } });
    trackComponent({ name, seconds: 0.5, success: true });
  } else await shutdown();
  self.postMessage({ beacon: "sendBeacon" in navigator, ...stats() });
};
