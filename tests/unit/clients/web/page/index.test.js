import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SITE = fileURLToPath(new URL("../../../../../clients/web/site/", import.meta.url));
const PREFIX = "web/current/";
const MAIN = "page/main.js";
const page = readFileSync(join(SITE, "index.html"), "utf8");

/** Returns the modules that the page loads at once, by following the static imports. */
function importedModules() {
  const found = new Set();
  const visit = (path) => {
    if (found.has(path)) return;
    found.add(path);
    const text = readFileSync(join(SITE, path), "utf8");
    const imports = text.matchAll(/^(?:import|export)\b[^"';]*?"(\.[^"]+)";/gm);
    for (const [, address] of imports) visit(relative(SITE, join(SITE, dirname(path), address)));
  };
  visit(MAIN);
  found.delete(MAIN);
  return [...found].sort();
}

function linked(rel) {
  const links = page.matchAll(new RegExp(`<link rel="${rel}" href="${PREFIX}([^"]+)"`, "g"));
  return [...links].map(([, path]) => path);
}

test("the page preloads exactly the modules that it imports", () => {
  assert.deepEqual(linked("modulepreload"), importedModules());
});

test("every file that the page names is in the site", () => {
  const named = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, address]) => address);
  assert.ok(named.length > 20);
  for (const address of named) {
    assert.ok(address.startsWith(PREFIX), address);
    readFileSync(join(SITE, address.slice(PREFIX.length)));
  }
});

test("the page has nothing inline, which its content security policy would block", () => {
  assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)/);
});
