import { defineConfig } from "vite";

export default defineConfig({
  build: { rollupOptions: { input: ["index.html", "slim.html", "worker.html"] } },
  // Bundled into the server too, where it would else be imported from node_modules: in development it is.
  ssr: process.env.NODE_ENV === "production" ? { noExternal: true } : {},
});
