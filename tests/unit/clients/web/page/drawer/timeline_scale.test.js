import assert from "node:assert/strict";
import { test } from "node:test";
import {
  description, drawing, figures, waitMs,
} from "../../../../../../clients/web/site/page/drawer/timeline_scale.js";

const TURN = {
  turn: 3,
  input: { kind: "speech", startMs: 10_000, endMs: 12_000, lastSeq: 9 },
  heardMs: 10_300,
  firstAudioMs: 12_800,
  audioMs: 3_000,
  tools: [],
  interruptedMs: null,
  restarts: 0,
  endMs: 13_100,
  serverFirstAudioMs: 700,
  costUsd: 0.0012,
};

test("bars and marks count from the start of the turn", () => {
  const { bars, marks, lengthMs, ticksMs } = drawing(TURN, 99_000);
  assert.deepEqual(bars.map(({ kind, startMs, endMs }) => [kind, startMs, endMs]), [
    ["speech", 0, 2_000], ["wait", 2_000, 2_800], ["reply", 2_800, 5_800],
  ]);
  assert.deepEqual(marks.map(({ kind, atMs }) => [kind, atMs]), [["heard", 300], ["end", 3_100]]);
  assert.deepEqual([lengthMs, ticksMs], [5_800, [0, 1_000, 2_000, 3_000, 4_000, 5_000]]);
});

test("an interrupted reply ends where it was cut", () => {
  const { bars } = drawing({ ...TURN, interruptedMs: 13_500 }, 99_000);
  assert.equal(bars.find(({ kind }) => kind === "reply").endMs, 3_500);
});

test("what is still running goes on until now", () => {
  const running = {
    ...TURN, input: { ...TURN.input, endMs: null }, firstAudioMs: null, audioMs: 0, endMs: null,
    tools: [{ name: "ask_core_agent", startMs: 11_000, endMs: null, phase: "started" }],
  };
  const { bars } = drawing(running, 12_500);
  assert.deepEqual(bars.map(({ kind, endMs }) => [kind, endMs]), [
    ["speech", 2_500], ["tool", 2_500],
  ]);
});

test("without marks of the client the wait is what the server measured", () => {
  assert.equal(waitMs(TURN), 800);
  assert.equal(waitMs({ ...TURN, input: null }), 700);
  assert.equal(waitMs({ ...TURN, input: null, serverFirstAudioMs: null }), null);
});

test("a turn is described in words, in the order of time", () => {
  assert.equal(
    description(TURN, 99_000),
    "Your speech: 0.00 s to 2.00 s. Heard: 0.30 s. Wait for the reply: 2.00 s to 2.80 s. " +
      "Reply: 2.80 s to 5.80 s. End of the turn: 3.10 s",
  );
  assert.deepEqual(figures(TURN), ["reply after 0.8 s", "3.0 s of reply", "$0.0012"]);
});

test("a turn of which nothing is known has an empty drawing", () => {
  const nothing = {
    ...TURN, input: null, heardMs: null, firstAudioMs: null, endMs: null, costUsd: null, audioMs: 0,
  };
  assert.deepEqual(drawing(nothing, 5_000).bars, []);
  assert.equal(drawing(nothing, 5_000).lengthMs, 1_000);
});

test("a long turn has few ticks", () => {
  const { ticksMs } = drawing({ ...TURN, audioMs: 110_000 }, 200_000);
  assert.ok(ticksMs.length <= 7, `${ticksMs}`);
});
