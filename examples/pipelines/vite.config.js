/**
 * Vite's server passes the client's batches on while you develop: the endpoint is "/telemetry", on the page's own
 * origin, as it will be behind your own server. To be merged into your vite.config.js.
 *
 * @type {import("vite").UserConfig}
 */
export default {
  server: {
    proxy: {
      // A pattern, since the plain "/telemetry" would also take "/telemetry.js".
      "^/telemetry$": {
        // The reference collector.
        target: "http://127.0.0.1:8080",
        rewrite: () => "/v1/events",
      },
    },
  },
};
