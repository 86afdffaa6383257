/**
 * What the package may weigh, in bytes after brotli 11, bundled and minified: what an app pays that imports all of
 * it. A change that needs more says so here, and why in its commit.
 *
 * These are what it weighs today, so that it does not grow unseen. The goal is 15000 inlined and 12000 slim: docs/size.md
 * says where the rest is.
 */
const modifyEsbuildConfig = (config) => ({ ...config, format: "esm", loader: { ".wasm": "copy" } });

export default [
  {
    name: "langflow-telemetry, wasm inlined",
    path: "../pkg/index.js",
    limit: "28600 B",
    modifyEsbuildConfig,
  },
  {
    name: "langflow-telemetry/slim, with its wasm",
    path: ["../pkg/slim.js", "../pkg/dist/langflow_telemetry_bg.wasm"],
    limit: "27850 B",
    modifyEsbuildConfig,
  },
  {
    name: "langflow-telemetry/ndjson, wasm inlined",
    path: "../pkg/dist/ndjson.js",
    limit: "27600 B",
    modifyEsbuildConfig,
  },
  {
    name: "langflow-telemetry/gateway, wasm inlined",
    path: "../pkg/dist/gateway.js",
    limit: "29550 B",
    modifyEsbuildConfig,
  },
  {
    name: "langflow-telemetry/react, on top of the rest",
    path: "../pkg/dist/react.js",
    limit: "600 B",
    modifyEsbuildConfig: (config) => ({ ...config, format: "esm", external: ["react", "../index.js"] }),
  },
];
