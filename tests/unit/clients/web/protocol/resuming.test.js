/** A reloaded page continues the session of the page before it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ClientSession } from "../../../../../clients/web/site/repartee/protocol/session.js";
import { FakeSpeaker, openSession, ready, replyAudio, said, worker } from "./sessions.js";

/** Returns the resumption of a page that has played 300 of 500 ms of turn 4. */
function saved(options) {
  const speaker = new FakeSpeaker();
  const session = openSession({ speaker });
  const frame = worker(3);
  session.receive(frame("accepted", { through: 1 }), 0);
  session.receive(frame("audio", replyAudio(4, 500)), 0);
  speaker.leftMs = 200;
  return JSON.parse(JSON.stringify(session.resumption(0, options)));
}

/** Returns a session that resumes, has sent its hello, and got `ready`. */
function reloaded(resumption, members = { next_seq: 41, output_kept: true }, speaker = null) {
  const session = new ClientSession({ speaker });
  session.resumeAt(resumption, 0);
  session.connected(0);
  const [hello] = session.outgoing(0).map((text) => JSON.parse(text));
  session.receive(ready(members), 0);
  return { session, hello };
}

test("a reloaded page starts its numbers again and asks for the output after its position", () => {
  const { session, hello } = reloaded(saved());
  session.text("hi", 1);

  assert.deepEqual(hello, {
    type: "hello",
    seq: 1,
    protocol: 1,
    resume_from: { epoch: 3, seq: 2 },
  });
  assert.deepEqual(said(session.outgoing(1)), ["text 41"]);
});

test("a page without received output sends no resume_from", () => {
  const { hello } = reloaded(new ClientSession().resumption(0));
  assert.equal("resume_from" in hello, false);
});

test("what was played before the reload counts", () => {
  const { session } = reloaded(saved());
  const frame = worker(3, 3);
  session.receive(frame("audio", replyAudio(4, 1_000)), 0);
  session.receive(frame("interrupted", { turn: 4 }), 250);

  const ack = JSON.parse(session.outgoing(250).at(-1));

  const received = { epoch: 3, seq: 4 };
  assert.deepEqual(ack, { type: "ack", received, turn: 4, played_ms: 550 });
});

test("what was not played before the reload is played after it", () => {
  const speaker = new FakeSpeaker();
  const { session } = reloaded(saved({ withAudio: true }), {}, speaker);
  assert.equal(speaker.leftMs, 200);
  assert.equal(session.playback.playedMs(4, 0), 300);

  session.receive(worker(3, 3)("audio", replyAudio(4, 1_000)), 0);
  speaker.leftMs = 1_050;

  assert.equal(session.playback.playedMs(4, 0), 450);
});

test("a text that was typed without a connection is sent after the reload", () => {
  const session = openSession();
  session.text("sent before", 0);
  session.outgoing(0);
  session.connected(1);
  session.text("typed meanwhile", 2);
  const resumption = JSON.parse(JSON.stringify(session.resumption(3)));

  const next = reloaded(resumption).session;

  assert.ok(next.isWaitingForAnswer);
  const texts = next.outgoing(4).map((text) => JSON.parse(text));
  assert.deepEqual(
    texts.map(({ type, seq, text }) => [type, seq, text]),
    [["text", 41, "typed meanwhile"]],
  );
});

test("the position alone holds no audio", () => {
  assert.deepEqual(saved(), { epoch: 3, seq: 2, turn: 4, playedMs: 300 });
});

test("frames up to the position are dropped, and the next one is taken", () => {
  const { session } = reloaded(saved());
  const types = worker(3, 2);

  assert.deepEqual(session.receive(types("speech_heard", { turn: 5 }), 1), []);
  assert.equal(session.receive(types("speech_heard", { turn: 5 }), 1).length, 1);
});

test("a page whose saved position is too old begins with the first frame that arrives", () => {
  // A duplicated tab has the position of its original, which went on acknowledging.
  const { session } = reloaded(saved());
  const frame = worker(3, 20);

  assert.equal(session.receive(frame("speech_heard", { turn: 5 }), 1).length, 1);
  assert.deepEqual(session.position, { epoch: 3, seq: 20 });
});

test("a new worker is followed from its first frame", () => {
  const { session } = reloaded(saved(), { next_seq: 41, output_kept: false });
  const frame = worker(4);

  const frames = session.receive(frame("turn_restarted", { turn: 4 }), 1);

  assert.deepEqual(
    frames.map(({ type }) => type),
    ["turn_restarted"],
  );
  assert.deepEqual(session.position, { epoch: 4, seq: 1 });
  assert.equal(session.playback.playedMs(4, 1), 0);
});
