import assert from "node:assert/strict";
import { test } from "node:test";
import { deletedText, exportText } from "../../../../../../clients/web/site/page/panels/data_words.js";

test("an erasure names the kinds that a user knows, and counts the others together", () => {
  const text = deletedText({
    turns: 31, conversations: 1, calls: 4, sessions: 2, wakes: 1, summaries: 2,
  });
  assert.equal(
    text,
    "Deleted: 1 conversation, 31 turns, 2 summaries, 4 questions to the tools and " +
      "3 technical entries.",
  );
  assert.equal(deletedText({ notes: 1 }), "Deleted: 1 note.");
  assert.equal(deletedText({}), "There was no data.");
});

test("an export is described by its counts", () => {
  const text = exportText({
    conversations: [{ turns: [1, 2] }, { turns: [3] }], account: { notes: [1], bookings: [] },
  });
  assert.equal(text, "2 conversations, 3 turns, 1 note and 0 appointments");
});
