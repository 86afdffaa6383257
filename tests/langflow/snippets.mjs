/**
 * The code in docs/langflow.md is the code of examples/langflow: under each line `<!-- FILE#REGION -->` stands what
 * FILE has between `// #region REGION` and `// #endregion`.
 *
 *   node tests/langflow/snippets.mjs           writes it
 *   node tests/langflow/snippets.mjs --check   says where the two differ, and fails
 */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DOC = "docs/langflow.md";

/** A mark, and the fenced code under it, where there is any. */
const MARK = /^<!-- (\S+)#(\S+) -->\n(?:```\w*\n[\s\S]*?^```\n)?/gm;

const LANGUAGES = { tsx: "tsx", ts: "ts" };

/** A region's lines, as far to the left as they go. */
function region(file, name) {
  const source = readFileSync(ROOT + file, "utf8");
  const found = new RegExp(`^ *// #region ${name}\\n([\\s\\S]*?)^ *// #endregion`, "m").exec(source);
  if (!found) throw new Error(`${DOC} shows ${file}#${name}: there is no such region there.`);
  const lines = found[1].trimEnd().split("\n");
  const indents = lines.filter(Boolean).map((line) => line.search(/\S/));
  return lines.map((line) => line.slice(Math.min(...indents))).join("\n");
}

/** The document as it should be. */
const written = (doc) =>
  doc.replace(MARK, (_, file, name) => {
    const language = LANGUAGES[file.split(".").at(-1)];
    if (!language) throw new Error(`${DOC} shows ${file}: expected a name that ends in .ts or .tsx.`);
    return `<!-- ${file}#${name} -->\n\`\`\`${language}\n${region(file, name)}\n\`\`\`\n`;
  });

const [option, ...rest] = process.argv.slice(2);
if ((option && option !== "--check") || rest.length > 0) {
  console.error(`snippets.mjs: expected --check or nothing, got ${process.argv.slice(2).join(" ")}`);
  process.exit(2);
}
const doc = readFileSync(ROOT + DOC, "utf8");
const marks = doc.match(MARK)?.length ?? 0;
if (marks === 0) throw new Error(`${DOC} has no line such as <!-- FILE#REGION -->`);
const right = written(doc);
if (!option) writeFileSync(ROOT + DOC, right);
else if (right !== doc) {
  const at = doc.split("\n").findIndex((line, number) => line !== right.split("\n")[number]);
  console.error(
    `${DOC}:${at + 1} is not what examples/langflow has: run \`node tests/langflow/snippets.mjs\`.\n` +
      `  there: ${doc.split("\n")[at]}\n  in the source: ${right.split("\n")[at]}`,
  );
  process.exit(1);
}
console.log(`${DOC}: ${marks} snippets are as in examples/langflow`);
