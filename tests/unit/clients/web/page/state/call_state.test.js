import assert from "node:assert/strict";
import { test } from "node:test";

import { NO_CALL, reduceCall } from "../../../../../../clients/web/site/page/state/call_state.js";
import { costOfCallUsd, phaseOf } from "../../../../../../clients/web/site/page/state/phase.js";
import { storedTurn, textOf } from "../../../../../../clients/web/site/page/state/turns.js";

const OPEN = [
  { type: "start", mode: "voice" },
  { type: "opened", sessionId: "S1", conversationId: "C1", startedAtMs: 0 },
  { type: "status", status: "connected", reason: "" },
];
const SOUND = new Uint8Array(480);

const after = (...events) => events.reduce(reduceCall, NO_CALL);
const piece = (turn, role, text, final = true) => ({ type: "transcript", turn, role, text, final });
const typed = (text, id = 1) => ({ type: "typed", text, id });
const sound = (turn) => ({ type: "audio", turn, pcm: SOUND });
const turnEnd = (turn, cost_usd = 0.001, first_audio_ms = 900) => ({
  type: "turn-end",
  turn,
  cost_usd,
  first_audio_ms,
});
const tool = (turn, phase) => ({ type: "tool", turn, name: "ask_core_agent", phase });

/** Returns the captions as lines. */
function lines({ turns }) {
  return turns.flatMap(({ user, model }) => [
    ...(user.length ? [`you: ${textOf(user)}`] : []),
    ...(model.length ? [`agent: ${textOf(model)}`] : []),
  ]);
}

test("pieces of a transcript grow one utterance until its last piece", () => {
  const growing = after(...OPEN, piece(1, "user", "when do ", false), piece(1, "user", "you", false));
  assert.deepEqual(growing.turns[0].user, [{ text: "when do you", isFinal: false }]);
  const finished = [piece(1, "user", " open"), piece(1, "user", " on Monday")].reduce(
    reduceCall,
    growing,
  );
  assert.deepEqual(finished.turns[0].user, [
    { text: "when do you open", isFinal: true },
    { text: " on Monday", isFinal: true },
  ]);
});

test("a late piece of the user's transcript goes to its own turn", () => {
  const state = after(...OPEN, piece(1, "user", "hi"), turnEnd(1), piece(2, "model", "Yes?"),
    piece(1, "user", " there"));
  assert.deepEqual(lines(state), ["you: hi there", "agent: Yes?"]);
});

test("the state in words follows a spoken turn", () => {
  let state = after(...OPEN);
  const phases = [phaseOf(state)];
  const events = [
    { type: "speech-start" },
    { type: "speech-end" },
    tool(1, "started"),
    tool(1, "done"),
    sound(1),
    turnEnd(1),
    { type: "played" },
  ];
  for (const event of events) {
    state = reduceCall(state, event);
    phases.push(phaseOf(state));
  }
  assert.deepEqual(phases, [
    "listening",
    "hearing",
    "thinking",
    "looking-up",
    "thinking",
    "speaking",
    "speaking",
    "listening",
  ]);
});

test("a gap in the sound of an unfinished reply does not end the speaking", () => {
  const state = after(...OPEN, sound(1), { type: "played" });
  assert.equal(phaseOf(state), "speaking");
});

test("a call without a speaker ends the speaking with the turn", () => {
  const [, ...opened] = OPEN;
  const state = after({ type: "start", mode: "typed" }, ...opened, sound(1), turnEnd(1));
  assert.equal(phaseOf(state), "ready");
});

test("an interruption ends the speaking and finishes the caption", () => {
  const state = after(...OPEN, sound(1), piece(1, "model", "We are op", false), {
    type: "interrupted",
    turn: 1,
  });
  assert.equal(phaseOf(state), "listening");
  assert.equal(state.turns[0].isCut, true);
  assert.equal(state.turns[0].model[0].isFinal, true);
});

test("an interruption of an earlier reply leaves the present one", () => {
  const state = after(...OPEN, sound(1), sound(2), { type: "interrupted", turn: 1 });
  assert.equal(state.speakingTurn, 2);
});

test("sound that was no speech leaves the user listening", () => {
  const state = after(...OPEN, { type: "speech-start" }, { type: "speech-end" }, {
    type: "no-speech",
    through: 4,
  });
  assert.equal(phaseOf(state), "listening");
});

test("a typed text gets the number of the turn that answers it", () => {
  const state = after(...OPEN, typed("hello"), piece(1, "model", "Hello!"), turnEnd(1));
  assert.deepEqual(lines(state), ["you: hello", "agent: Hello!"]);
  assert.equal(state.turns[0].number, 1);
  assert.equal(state.turns[0].costUsd, 0.001);
});

test("a typed text keeps its element when it gets its number", () => {
  const waiting = after(...OPEN, typed("hello"));
  const answered = reduceCall(waiting, sound(1));
  assert.equal(answered.turns[0].key, waiting.turns[0].key);
});

test("texts are answered one after the other", () => {
  const state = after(...OPEN, typed("one", 1), typed("two", 2), piece(1, "model", "1"), turnEnd(1),
    piece(2, "model", "2"));
  assert.deepEqual(lines(state), ["you: one", "agent: 1", "you: two", "agent: 2"]);
});

test("a text that interrupts a reply waits for the next turn", () => {
  const state = after(...OPEN, piece(1, "model", "We", false), typed("stop that"),
    piece(1, "model", " are", false), { type: "interrupted", turn: 1 }, piece(2, "model", "Yes?"));
  assert.deepEqual(lines(state), ["agent: We are", "you: stop that", "agent: Yes?"]);
});

test("a typed text that the server repeats is shown once", () => {
  const state = after(...OPEN, typed("hello "), piece(1, "user", "hello"), piece(1, "model", "Hi"));
  assert.deepEqual(lines(state), ["you: hello ", "agent: Hi"]);
});

test("speech during a text that waits is a turn of its own", () => {
  const state = after(...OPEN, { type: "speech-heard", turn: 1 }, typed("and on Friday?"),
    piece(1, "user", "when on Monday"), piece(1, "model", "At nine."), piece(2, "model", "At ten."));
  assert.deepEqual(lines(state), [
    "you: when on Monday",
    "agent: At nine.",
    "you: and on Friday?",
    "agent: At ten.",
  ]);
});

test("a greeting does not take a text that was typed meanwhile", () => {
  const state = after(...OPEN, typed("hello"), piece(1, "model", "Welcome."), turnEnd(1, 0, null),
    piece(2, "model", "Hello!"), turnEnd(2));
  assert.deepEqual(lines(state), ["agent: Welcome.", "you: hello", "agent: Hello!"]);
});

test("a restarted turn forgets what was received, and keeps what was typed", () => {
  const state = after(...OPEN, piece(1, "user", "hi"), piece(1, "model", "Hello"), turnEnd(1),
    typed("two"), piece(2, "model", "wrong"), tool(2, "started"), { type: "turn-restarted", turn: 2 });
  assert.deepEqual(lines(state), ["you: hi", "agent: Hello", "you: two"]);
  assert.equal(phaseOf(state), "thinking");
  const again = reduceCall(state, piece(2, "model", "right"));
  assert.deepEqual(lines(again), ["you: hi", "agent: Hello", "you: two", "agent: right"]);
});

test("a reply whose sound was lost is shown as text", () => {
  const state = after(...OPEN, { type: "reply-lost", turn: 3, text: "We open at nine." });
  assert.deepEqual(lines(state), ["agent: We open at nine."]);
  assert.equal(state.turns[0].isSoundLost, true);
});

test("a turn without an answer shows the server's message", () => {
  const state = after(...OPEN, piece(1, "user", "hm"), {
    type: "error",
    code: "no_answer",
    message: "Please say it again.",
    retryable: true,
  });
  assert.deepEqual(state.turns[0].notices, ["Please say it again."]);
  assert.equal(state.problem, null);
});

test("a text that the server refuses has its message, and waits for no answer", () => {
  const message = "text has 5000 characters: send at most 4000 at a time";
  const state = after(...OPEN, typed("too long"), {
    type: "error",
    code: "invalid_message",
    field: "text",
    message,
  });
  assert.deepEqual([phaseOf(state), state.turns[0].notices], ["listening", [message]]);
  const next = [typed("short", 2), piece(1, "model", "Yes"), turnEnd(1)].reduce(reduceCall, state);
  assert.deepEqual(lines(next), ["you: too long", "you: short", "agent: Yes"]);
  assert.equal(phaseOf(next), "listening");
});

test("stored turns come before the turns of this call, and never twice", () => {
  const stored = (number, said) =>
    storedTurn({
      number,
      session_id: "S0",
      heard: { text: "", verified: false },
      said: { text: said, approximate: false },
      shortened: false,
      tool_calls: [],
      first_audio_ms: null,
      cost_usd: 0.5,
    });
  const state = after(...OPEN, piece(2, "model", "live"), typed("next"), {
    type: "stored-turns",
    turns: [stored(1, "old"), stored(2, "copy")],
  });
  assert.deepEqual(lines(state), ["agent: old", "agent: live", "you: next"]);
  assert.equal(costOfCallUsd(state), 0);
});

test("the cost of a call that a reloaded page continues includes its stored turns", () => {
  const state = after(...OPEN, {
    type: "stored-turns",
    turns: [{ ...after(...OPEN, piece(1, "model", "a"), turnEnd(1, 0.25)).turns[0], sessionId: "S1" }],
  });
  const costUsd = costOfCallUsd([piece(2, "model", "b"), turnEnd(2, 0.5)].reduce(reduceCall, state));
  assert.equal(costUsd, 0.75);
});

test("the next call shows the turns of the last one, and does not count their cost", () => {
  const over = after(...OPEN, piece(1, "model", "a"), turnEnd(1, 0.25), {
    type: "closed",
    reason: "bye",
    atMs: 1,
  });
  const again = reduceCall(over, { type: "start", mode: "voice", keepsTurns: true });
  const opened = (sessionId) =>
    costOfCallUsd(reduceCall(again, { type: "opened", sessionId, conversationId: "C1", startedAtMs: 0 }));
  assert.equal(opened("S2"), 0);
  assert.equal(opened("S1"), 0.25);
});

test("a lost line is shown until it is back", () => {
  const lost = after(...OPEN, { type: "status", status: "reconnecting", reason: "1006" });
  assert.equal(phaseOf(lost), "reconnecting");
  const back = reduceCall(lost, { type: "status", status: "connected", reason: "" });
  assert.equal(phaseOf(back), "listening");
});

test("without a microphone the user can type", () => {
  const denied = after(...OPEN, { type: "microphone", code: "permission_denied" });
  assert.equal(phaseOf(denied), "ready");
  const heard = reduceCall(denied, { type: "microphone", code: "microphone_heard" });
  assert.equal(phaseOf(heard), "listening");
  assert.equal(heard.microphone, null);
});

test("sound that runs again ends only the notice about the sound", () => {
  const paused = after(...OPEN, { type: "microphone", code: "tap_to_continue" });
  assert.equal(reduceCall(paused, { type: "microphone", code: "sound_running" }).microphone, null);
  const silent = after(...OPEN, { type: "microphone", code: "microphone_silent" });
  const running = reduceCall(silent, { type: "microphone", code: "sound_running" });
  assert.equal(running.microphone?.code, "microphone_silent");
});

test("the goodbye at a limit is shown as speaking, and then the limit", () => {
  const limit = { type: "limit-reached", kind: "cost", limit: 1, resets_at_ms: 5 };
  const goodbye = after(...OPEN, limit, sound(1));
  assert.equal(phaseOf(goodbye), "speaking");
  const said = [turnEnd(1), { type: "played" }].reduce(reduceCall, goodbye);
  assert.equal(phaseOf(said), "limit");
});

test("push-to-talk listens only while the button is held", () => {
  const state = after(...OPEN, { type: "talk-mode", talkMode: "push-to-talk" });
  assert.equal(phaseOf(state), "holding");
  assert.equal(phaseOf(reduceCall(state, { type: "pressed", isPressed: true })), "listening");
});

test("the end of a call finishes its captions and keeps them for the next call", () => {
  const over = after(...OPEN, piece(1, "model", "Good", false), {
    type: "closed",
    reason: "end_call",
    atMs: 9_000,
  });
  assert.equal(phaseOf(over), "over");
  assert.equal(over.turns[0].model[0].isFinal, true);
  const again = reduceCall(over, { type: "start", mode: "voice", keepsTurns: true });
  assert.deepEqual(lines(again), ["agent: Good"]);
  assert.deepEqual(lines(reduceCall(over, { type: "start", mode: "voice" })), []);
});
