/** When the user's latest request counts as answered. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, openSession, replyAudio, said, turnEnd, worker } from "./sessions.js";

/** Returns whether a text is still unanswered after these frames. */
function isWaitingAfter(...frames) {
  const session = openSession();
  session.text("When do you open?", 0);
  session.outgoing(0);
  const frame = worker();
  session.receive(frame("accepted", { through: 2 }), 10);
  frames.forEach(([type, members]) => session.receive(frame(type, members), 100));
  return session.isWaitingForAnswer;
}

const AUDIO = ["audio", replyAudio(1, 200)];
const NO_ANSWER = { code: "no_answer", message: "Please say it again.", retryable: true };
const TOOL = { turn: 1, name: "ask_core_agent" };

const RUNS = [
  ["a reply answers", false, [AUDIO, ["turn_end", turnEnd(1)]]],
  ["a greeting does not answer", true, [AUDIO, ["turn_end", turnEnd(1, null)]]],
  [
    "a turn after the greeting answers",
    false,
    [AUDIO, ["turn_end", turnEnd(1, null)], ["turn_end", turnEnd(2)]],
  ],
  [
    "a restarted turn is no greeting",
    false,
    [AUDIO, ["turn_restarted", { turn: 1 }], ["turn_end", turnEnd(1, null)]],
  ],
  [
    "a turn that was given up is no greeting",
    false,
    [AUDIO, ["error", NO_ANSWER], ["turn_end", turnEnd(1, null)]],
  ],
  [
    "the repetition of a lost reply is no greeting",
    false,
    [
      ["reply_lost", { turn: 1, text: "At nine." }],
      ["audio", replyAudio(2, 200)],
      ["turn_end", turnEnd(2, null)],
    ],
  ],
  [
    "a turn does not answer while a tool runs",
    true,
    [
      ["tool", { ...TOOL, phase: "started" }],
      ["turn_end", turnEnd(1)],
    ],
  ],
  [
    "the spoken result of a tool answers",
    false,
    [
      ["tool", { ...TOOL, phase: "started" }],
      ["turn_end", turnEnd(1, null)],
      ["tool", { ...TOOL, phase: "failed" }],
      ["audio", replyAudio(2, 200)],
      ["turn_end", turnEnd(2, null)],
    ],
  ],
  ["speech without words needs no answer", false, [["no_speech", { through: 2 }]]],
  ["earlier speech without words changes nothing", true, [["no_speech", { through: 1 }]]],
  ["the end of the session needs no answer", false, [["closed", { reason: "bye" }]]],
];

for (const [name, isWaiting, frames] of RUNS) {
  test(name, () => {
    assert.equal(isWaitingAfter(...frames), isWaiting);
  });
}

test("the end of a turn does not answer a text that was not accepted before it", () => {
  const session = openSession();
  const frame = worker();
  session.text("first", 0);
  session.text("second", 0);
  session.outgoing(0);
  session.receive(frame("accepted", { through: 2 }), 10);
  session.receive(frame("turn_end", turnEnd(1)), 20);
  assert.equal(session.isWaitingForAnswer, true);

  session.receive(frame("accepted", { through: 3 }), 30);
  session.receive(frame("turn_end", turnEnd(2)), 40);
  assert.equal(session.isWaitingForAnswer, false);
});

test("a refused text needs no answer, and its number is not sent again", () => {
  const session = openSession();
  session.text("\u202E", 0);
  session.outgoing(0);

  session.receive(
    answer("error", { code: "invalid_message", message: "", retryable: false, seq: 2 }),
    10,
  );

  assert.equal(session.isWaitingForAnswer, false);
  assert.equal(session.refusal, null);
  session.connected(20);
  session.receive(answer("pong", { served: true }), 20);
  assert.deepEqual(said(session.outgoing(30)), ["hello 3"]);
});

test("an error that names no message ends the call", () => {
  const session = openSession();
  const error = { code: "too_many_errors", message: "", retryable: false, seq: 1 };
  session.receive(answer("error", error), 10);
  assert.equal(session.refusal?.code, "too_many_errors");
});
