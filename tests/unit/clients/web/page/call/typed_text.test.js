import assert from "node:assert/strict";
import { test } from "node:test";

import { acceptableText } from "../../../../../../clients/web/site/page/call/typed_text.js";

for (const [typed, sent] of [
  ["Grüße\n\t👩‍👩‍👧 שלום", "Grüße\n\t👩‍👩‍👧 שלום"],
  ["a\u0000b\u001b[0m\u0085\u202ec", "ab[0mc"],
  ["a\ud83d b", "a\ufffd b"],
  [" \n", ""],
  ["\u200b\u2060\u2800\u0301", ""],
  ["\u202e\u0007", ""],
]) {
  test(`the typed text ${JSON.stringify(typed)} is sent as ${JSON.stringify(sent)}`, () => {
    assert.equal(acceptableText(typed), sent);
  });
}
