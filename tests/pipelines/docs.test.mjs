/** docs/pipelines.md quotes the files that the other tests start, word for word. */

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

import { textOf } from "./servers.mjs";

const DOCS = fileURLToPath(new URL("../../docs/", import.meta.url));
const TEXT = textOf("docs/pipelines.md");

it("quotes what is in the files", () => {
  const quotes = [...TEXT.matchAll(/<!-- from \.\.\/(\S+) -->\n```\w+\n(.*?)```\n/gs)];
  assert.equal(quotes.length, TEXT.split("<!-- from ").length - 1, "each mark has its quote");
  assert.ok(quotes.length >= 4);
  for (const [, file, quote] of quotes)
    assert.ok(textOf(file).includes(quote), `${file} has no longer\n${quote}`);
});

it("links to what is there, and names every example", () => {
  const links = [...TEXT.matchAll(/\]\(([^)#]+)\)/g)].map(([, link]) => link);
  for (const link of links)
    if (!link.includes("://")) assert.ok(existsSync(join(DOCS, link)), `${link} is not there`);
  for (const file of readdirSync(join(DOCS, "../examples/pipelines")))
    assert.ok(TEXT.includes(file), `${file} is not in the text`);
});
