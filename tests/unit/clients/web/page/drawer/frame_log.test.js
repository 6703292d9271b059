import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameLog, filtered } from "../../../../../../clients/web/site/page/drawer/frame_log.js";

const sent = (frame) => ({ direction: "sent", at_ms: 0, frame });
const received = (frame) => ({ direction: "received", at_ms: 0, frame });

test("the oldest frames are dropped beyond the number of frames", () => {
  const log = new FrameLog({ maxFrames: 3 });
  for (let seq = 1; seq <= 5; seq += 1) log.add(sent({ type: "audio", seq }));
  assert.deepEqual(log.entries.map(({ number }) => number), [3, 4, 5]);
  assert.deepEqual([log.count, log.dropped], [5, 2]);
});

test("the oldest frames are dropped beyond the number of characters", () => {
  const log = new FrameLog({ maxCharacters: 1_000 });
  for (let turn = 1; turn <= 20; turn += 1) {
    log.add(received({ type: "transcript", turn, text: "x".repeat(150) }));
  }
  const characters = log.entries.reduce((sum, { text }) => sum + text.length, 0);
  assert.ok(characters <= 1_000 && log.entries.length >= 4, `${characters}`);
  assert.equal(log.entries.at(-1).frame.turn, 20);
});

test("a filter takes words, a direction, and leaves routine frames out", () => {
  const log = new FrameLog();
  log.add(sent({ type: "text", text: "Good MORNING" }));
  log.add(sent({ type: "ack" }));
  log.add(received({ type: "transcript", text: "morning" }));
  log.add(received({ type: "audio", data_bytes: 4800 }));
  const types = (filter) => filtered(log.entries, filter).map(({ frame }) => frame.type);
  assert.deepEqual(types({}), ["text", "ack", "transcript", "audio"]);
  assert.deepEqual(types({ text: "morning" }), ["text", "transcript"]);
  assert.deepEqual(types({ text: "morning good" }), ["text"]);
  assert.deepEqual(types({ direction: "received" }), ["transcript", "audio"]);
  assert.deepEqual(types({ isQuiet: true }), ["text", "transcript"]);
});
