import assert from "node:assert/strict";
import { test } from "node:test";
import { fileName } from "../../../../../clients/web/site/page/download.js";

test("a file is named after its subject and the day", () => {
  assert.equal(
    fileName("export", Date.parse("2026-11-20T12:00:00Z")), "repartee-export-2026-11-20.json",
  );
});
