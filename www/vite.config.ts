import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Where the collector listens while the page comes from Vite. In production the collector serves the page itself. */
const COLLECTOR = process.env["COLLECTOR"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist",
    // The first versions that know light-dark(), which every colour here is written with.
    target: ["chrome123", "edge123", "firefox120", "safari17.5"],
    rolldownOptions: {
      output: {
        // Libraries apart from the page and its telemetry: a new build of those leaves them in the cache.
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules\/(react|react-dom|scheduler)\// },
            {
              name: "canvas",
              test: /node_modules\/(@xyflow|d3-(?!scale|shape|array|format|time)\w+|zustand)\//,
            },
          ],
        },
      },
    },
  },
  // The package is a link to ../pkg until a packed tarball is installed over it: not to be pre-bundled, so that
  // a new build of it shows at once, and its folder may be read.
  optimizeDeps: { exclude: ["langflow-telemetry"] },
  server: { host: "127.0.0.1", proxy: { "/v1": COLLECTOR }, fs: { allow: [".."] } },
  preview: { host: "127.0.0.1", proxy: { "/v1": COLLECTOR } },
});
