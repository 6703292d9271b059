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
  return [...found].sort();
}

test("the page names exactly the modules that it runs at once", () => {
  const named = page.matchAll(new RegExp(`<meta name="module" content="${PREFIX}([^"]+)"`, "g"));
  assert.deepEqual([...named].map(([, path]) => path), importedModules());
});

test("the browser asks for at most nine files by itself, for the quota of a new account", () => {
  const links = [...page.matchAll(/(?:href|src)="([^"]+)"/g)];
  assert.ok(links.length <= 9, `${links.length} links`);
  assert.doesNotMatch(page, /rel="modulepreload"/);
});

test("every file that the page names is in the site", () => {
  const named = [...page.matchAll(/(?:href|src|content)="([^"]+\.[a-z]+)"/g)].map(([, address]) => address);
  assert.ok(named.length > 20);
  for (const address of named) {
    assert.ok(address.startsWith(PREFIX), address);
    readFileSync(join(SITE, address.slice(PREFIX.length)));
  }
});

test("the page has nothing inline, which its content security policy would block", () => {
  assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)/);
});
