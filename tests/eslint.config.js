import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import globals from "globals";

// For pkg, tests and bench; www has a configuration of its own, for React. Run from the repository's root:
//   tests/node_modules/.bin/eslint --config tests/eslint.config.js pkg tests bench
export default defineConfig(
  globalIgnores(["pkg/dist", "bench/results", "tests/e2e/results", "tests/pipelines/.venv", "**/dist"]),
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-var": "error",
      "prefer-const": "error",
      "object-shorthand": "error",
      "no-implicit-coercion": ["error", { boolean: false }],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      // Functions over classes; an Error of one's own is the exception that says so.
      "no-restricted-syntax": [
        "error",
        { selector: "ClassDeclaration[superClass=null]", message: "A function serves: house style." },
      ],
    },
  },
  // The shell runs in browsers, and is imported, without effect, everywhere else.
  {
    files: ["pkg/*.js"],
    languageOptions: { globals: globals["shared-node-browser"] },
    rules: { "no-console": "error" },
  },
  // Node, and functions that Playwright evaluates in the page.
  {
    files: ["pkg/*.mjs", "tests/**", "bench/**"],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
);
