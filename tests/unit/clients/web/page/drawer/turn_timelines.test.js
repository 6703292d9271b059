import assert from "node:assert/strict";
import { test } from "node:test";
import {
  TurnTimelines,
} from "../../../../../../clients/web/site/page/drawer/turn_timelines.js";

/** Plays a script of `[atMs, "sent" | "received", frame]` into new timelines. */
function timelines(...script) {
  const made = new TurnTimelines();
  for (const [at_ms, direction, frame] of script) made.add({ direction, at_ms, frame });
  return made.turns;
}

const READY = [0, "received", { type: "ready", conversation_id: "c1" }];
const start = (atMs, seq) => [atMs, "sent", { type: "speech_start", seq }];
const end = (atMs, seq) => [atMs, "sent", { type: "speech_end", seq }];
const typed = (atMs, seq) => [atMs, "sent", { type: "text", seq, text: "hello" }];
const heard = (atMs, turn) => [atMs, "received", { type: "speech_heard", turn }];
const audio = (atMs, turn, data_bytes = 4_800) => [
  atMs, "received", { type: "audio", turn, data_bytes },
];
const tool = (atMs, turn, phase) => [
  atMs, "received", { type: "tool", turn, name: "ask_core_agent", phase },
];
const turnEnd = (atMs, turn) => [
  atMs, "received", { type: "turn_end", turn, cost_usd: 0.001, first_audio_ms: 700 },
];

test("a spoken turn has its speech, first audio, tool and end", () => {
  const [turn, ...others] = timelines(
    READY, start(100, 2), heard(400, 1), end(1_500, 9), tool(1_800, 1, "started"),
    tool(2_600, 1, "done"), audio(2_900, 1), audio(3_000, 1), turnEnd(3_500, 1),
  );
  assert.deepEqual(others, []);
  assert.deepEqual(turn, {
    turn: 1,
    input: { kind: "speech", startMs: 100, endMs: 1_500, lastSeq: 9 },
    heardMs: 400,
    firstAudioMs: 2_900,
    audioMs: 200,
    tools: [{ name: "ask_core_agent", startMs: 1_800, endMs: 2_600, phase: "done" }],
    interruptedMs: null,
    restarts: 0,
    endMs: 3_500,
    serverFirstAudioMs: 700,
    costUsd: 0.001,
  });
});

test("speech that interrupts a reply belongs to the next turn", () => {
  const turns = timelines(
    READY, start(100, 2), end(1_000, 5), audio(1_500, 1), start(2_000, 6), audio(2_050, 1),
    [2_300, "received", { type: "interrupted", turn: 1 }], heard(2_310, 2), turnEnd(2_350, 1),
    end(3_000, 9), audio(3_600, 2), turnEnd(4_000, 2),
  );
  assert.deepEqual(turns.map(({ input }) => [input.startMs, input.endMs]), [
    [100, 1_000], [2_000, 3_000],
  ]);
  assert.deepEqual(turns.map(({ interruptedMs }) => interruptedMs), [2_300, null]);
});

test("two utterances before one reply are one input", () => {
  const turns = timelines(
    READY, start(100, 2), heard(300, 1), end(1_000, 5), start(1_600, 6), end(2_400, 9),
    audio(3_000, 1), turnEnd(3_500, 1), start(5_000, 10), heard(5_300, 2), end(6_000, 12),
  );
  assert.deepEqual(turns.map(({ input }) => [input.startMs, input.endMs]), [
    [100, 2_400], [5_000, 6_000],
  ]);
});

test("texts are turns of their own, in their order", () => {
  const turns = timelines(
    READY, typed(100, 2), typed(200, 3), audio(900, 1), turnEnd(1_000, 1), audio(1_600, 2),
    turnEnd(2_000, 2),
  );
  assert.deepEqual(turns.map(({ input }) => [input.kind, input.startMs]), [
    ["text", 100], ["text", 200],
  ]);
});

test("a sound without speech is not the input of the next turn", () => {
  const [turn] = timelines(
    READY, start(100, 2), end(300, 4), [900, "received", { type: "no_speech", through: 4 }],
    start(2_000, 5), heard(2_300, 1), end(3_000, 8),
  );
  assert.equal(turn.input.startMs, 2_000);
});

test("a message that is sent again is not another input", () => {
  const turns = timelines(
    READY, typed(100, 2), typed(300, 2), audio(900, 1), turnEnd(1_000, 1), audio(1_500, 2),
  );
  assert.equal(turns[1].input, null);
});

test("a greeting has no input, and leaves unfinished speech to the next turn", () => {
  const turns = timelines(
    READY, start(100, 2), audio(150, 1), turnEnd(900, 1), heard(950, 2), end(1_000, 5),
  );
  assert.deepEqual(turns.map(({ input }) => input?.startMs ?? null), [null, 100]);
});

test("a turn that starts again loses its output and keeps its input", () => {
  const [turn] = timelines(
    READY, start(100, 2), heard(300, 1), end(1_000, 5), audio(1_500, 1),
    [2_000, "received", { type: "turn_restarted", turn: 1 }], audio(3_000, 1),
  );
  assert.deepEqual(
    [turn.input.startMs, turn.heardMs, turn.firstAudioMs, turn.restarts], [100, null, 3_000, 1],
  );
});

test("empty audio is no first audio", () => {
  const [turn] = timelines(READY, typed(100, 2), audio(500, 1, 0), audio(900, 1));
  assert.equal(turn.firstAudioMs, 900);
});

test("another conversation starts with no turns, another session of it goes on", () => {
  const script = [READY, typed(100, 2), audio(500, 7), turnEnd(800, 7)];
  const other = (conversation_id) => [900, "received", { type: "ready", conversation_id }];
  assert.equal(timelines(...script, other("c1")).length, 1);
  assert.equal(timelines(...script, other("c2")).length, 0);
});

test("only the latest turns are kept", () => {
  const made = new TurnTimelines({ maxTurns: 2 });
  for (let turn = 1; turn <= 4; turn += 1) {
    made.add({ direction: "received", at_ms: turn, frame: { type: "audio", turn, data_bytes: 2 } });
  }
  assert.deepEqual(made.turns.map(({ turn }) => turn), [3, 4]);
});
