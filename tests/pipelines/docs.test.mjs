/** docs/pipelines.md quotes the files that the other tests start, word for word; and no text links to nowhere. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

import { textOf } from "./servers.mjs";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const TEXT = textOf("docs/pipelines.md");

it("quotes what is in the files", () => {
  const quotes = [...TEXT.matchAll(/<!-- from \.\.\/(\S+) -->\n```\w+\n(.*?)```\n/gs)];
  assert.equal(quotes.length, TEXT.split("<!-- from ").length - 1, "each mark has its quote");
  assert.ok(quotes.length >= 4);
  for (const [, file, quote] of quotes)
    assert.ok(textOf(file).includes(quote), `${file} has no longer\n${quote}`);
});

it("names every example", () => {
  for (const file of readdirSync(join(REPOSITORY, "examples/pipelines")))
    assert.ok(TEXT.includes(file), `${file} is not in the text`);
});

/** As GitHub makes it of a heading. */
const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");

it("every text of the repository links to what is there", () => {
  const options = { cwd: REPOSITORY, encoding: "utf8" };
  const texts = execFileSync("git", ["ls-files", "-z", "*.md"], options).split("\0").filter(Boolean);
  let links = 0;
  for (const text of texts) {
    // Code is not a link, whatever brackets are in it.
    const prose = textOf(text)
      .replace(/^```.*?^```$/gms, "")
      .replace(/`[^`\n]*`/g, "`");
    for (const [, link] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      links += 1;
      const [path, anchor] = link.split("#");
      const target = path === "" ? text : join(dirname(text), path);
      assert.ok(existsSync(join(REPOSITORY, target)), `${text} links to ${link}, which is not there`);
      if (anchor === undefined) continue;
      const headings = [...textOf(target).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading));
      assert.ok(headings.includes(anchor), `${text} links to ${link}, and there is no such heading`);
    }
  }
  assert.ok(texts.length > 10 && links > 50, `${links} links in ${texts.length} texts`);
});
