/** @type {import("next").NextConfig} */
export default {
  distDir: process.env.DIST_DIR,
  devIndicators: false,
  // This folder is the whole app, whatever lock files lie further up.
  outputFileTracingRoot: import.meta.dirname,
  turbopack: { root: import.meta.dirname },
};
