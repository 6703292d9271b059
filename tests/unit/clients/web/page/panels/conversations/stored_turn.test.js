import assert from "node:assert/strict";
import { test } from "node:test";
import { turnFacts } from "../../../../../../../clients/web/site/page/panels/conversations/stored_turn.js";

const HERE = { locale: "en-GB", timeZone: "UTC" };
const TURN = {
  started_at: "2026-11-20T11:58:10.000Z",
  said: { text: "Yes, Friday", approximate: false },
  shortened: false,
  skipped_messages: 0,
  first_audio_ms: 1180,
  cost_usd: 0.00118725,
};
const facts = (turn) =>
  turnFacts({ ...TURN, ...turn }, "2026-11-20T11:58:00Z", Date.parse("2026-11-22T09:00Z"), HERE);

test("a turn has its time, the wait for the reply and its cost", () => {
  assert.deepEqual(facts({}), ["11:58", "reply after 1.2 s", "$0.0012"]);
});

test("a turn of a later day has its day", () => {
  assert.equal(facts({ started_at: "2026-11-21T09:00:00Z" })[0], "Yesterday, 9:00");
});

test("a reply that was cut is marked", () => {
  const said = { text: "Yes, Fri", approximate: true };
  assert.equal(facts({ said })[1], "cut off about here");
  assert.equal(facts({ said: { ...said, text: "" } })[1], "cut off before a word");
});

test("a shortened turn, lost messages and a reply without sound are named", () => {
  const found = facts({ shortened: true, skipped_messages: 2, first_audio_ms: null });
  assert.deepEqual(found.slice(1, 3), ["shortened", "2 messages lost"]);
  assert.equal(found.length, 4);
});
