import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CallRecorder,
} from "../../../../../../clients/web/site/page/drawer/call_recorder.js";
import { recording } from "../../../../../../clients/web/site/page/drawer/recording.js";

const frame = (type, more = {}) =>
  new CustomEvent("frame", { detail: { direction: "received", at_ms: 5, frame: { type, ...more } } });

test("frames of the followed call are recorded, and those of the call before are not", () => {
  const recorder = new CallRecorder(1_000);
  const [first, second] = [new EventTarget(), new EventTarget()];
  recorder.follow(first);
  first.dispatchEvent(frame("audio", { turn: 1, data_bytes: 480 }));
  recorder.follow(second);
  first.dispatchEvent(frame("pong"));
  second.dispatchEvent(frame("turn_end", { turn: 2 }));
  assert.deepEqual(recorder.log.entries.map((entry) => entry.frame.type), ["audio", "turn_end"]);
  assert.deepEqual(recorder.timelines.turns.map(({ turn }) => turn), [1, 2]);
});

test("a recording has the frames, the timelines and the diagnostics", () => {
  const recorder = new CallRecorder(1_000);
  const call = new EventTarget();
  recorder.follow(call);
  call.dispatchEvent(frame("audio", { turn: 1, data_bytes: 480 }));
  const saved = recording({
    recorder, diagnostics: { underruns: 0 }, call: { sessionId: "s1", conversationId: "c1" },
    browser: "test", nowMs: 0,
  });
  assert.deepEqual(saved.frames, [
    { number: 1, direction: "received", at_ms: 1_005, frame: { type: "audio", turn: 1, data_bytes: 480 } },
  ]);
  assert.deepEqual(
    [saved.saved_at, saved.session_id, saved.audio, saved.turns[0].audioMs],
    ["1970-01-01T00:00:00.000Z", "s1", { underruns: 0 }, 10],
  );
});
