/** How much of the replies was played, and which audio is dropped. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeSpeaker, openSession, replyAudio, turnEnd, worker } from "./sessions.js";

function acksOf(texts) {
  return texts.map((text) => JSON.parse(text)).filter(({ type }) => type === "ack");
}

test("late audio of a cut turn is dropped", () => {
  const speaker = new FakeSpeaker();
  const session = openSession({ speaker });
  const frame = worker();
  session.receive(frame("audio", replyAudio(1, 1_000)), 1_000);
  speaker.leftMs = 700;
  session.receive(frame("interrupted", { turn: 1 }), 1_300);

  session.receive(frame("audio", replyAudio(1, 1_000)), 1_400);

  assert.deepEqual([speaker.playedBytes, speaker.stops], [48_000, 1]);
  assert.equal(session.playback.playedMs(1, 9_000), 300);
});

test("the speaker decides how much was played", () => {
  const speaker = new FakeSpeaker();
  const session = openSession({ speaker });
  const frame = worker();
  session.receive(frame("audio", replyAudio(4, 1_000)), 1_000);
  speaker.leftMs = 640.4;
  session.receive(frame("turn_end", turnEnd(4)), 9_000);

  const [ack] = acksOf(session.outgoing(9_000));

  const received = { epoch: 1, seq: 2 };
  assert.deepEqual(ack, { type: "ack", received, turn: 4, played_ms: 360 });
});

test("without a speaker, audio plays in real time", () => {
  const session = openSession();
  const frame = worker();
  session.receive(frame("audio", replyAudio(1, 1_000)), 0);
  session.receive(frame("audio", replyAudio(2, 1_000)), 100);

  const played = [600, 1_400, 5_000].map((nowMs) =>
    [1, 2].map((turn) => session.playback.playedMs(turn, nowMs)),
  );

  assert.deepEqual(played, [
    [600, 0],
    [1_000, 400],
    [1_000, 1_000],
  ]);
});

test("a restarted turn and the turns after it are played again", () => {
  const speaker = new FakeSpeaker();
  const session = openSession({ speaker });
  const frame = worker();
  session.receive(frame("audio", replyAudio(1, 500)), 0);
  session.receive(frame("audio", replyAudio(2, 500)), 0);
  session.receive(frame("interrupted", { turn: 2 }), 10);
  session.receive(frame("turn_restarted", { turn: 1 }), 20);
  assert.equal(session.playback.playedMs(2, 20), 0);

  session.receive(frame("audio", replyAudio(1, 500)), 30);
  session.receive(frame("audio", replyAudio(2, 500)), 30);

  assert.equal(speaker.playedBytes, 4 * 24_000);
  assert.equal(speaker.leftMs, 1_000);
});

test("an empty chunk is not given to the speaker", () => {
  const speaker = new FakeSpeaker();
  speaker.play = () => assert.fail("nothing to play");
  openSession({ speaker }).receive(worker()("audio", replyAudio(1, 0)), 0);
});

test("a stop is local where the server does not have the feature", () => {
  const speaker = new FakeSpeaker();
  const session = openSession({ speaker });
  session.receive(worker()("audio", replyAudio(1, 1_000)), 100);
  speaker.leftMs = 500;

  session.stop(600);

  const texts = session.outgoing(600);
  assert.equal(texts.length, 1);
  assert.equal(acksOf(texts)[0].played_ms, 500);
  assert.equal(speaker.stops, 1);
});

test("an acknowledgement comes earlier when a reply starts to play", () => {
  const session = openSession();
  const frame = worker();
  session.receive(frame("accepted", { through: 1 }), 1_000);
  assert.equal(session.nextDeadlineMs(), 4_000);

  session.receive(frame("audio", replyAudio(1, 1_000)), 1_600);

  assert.equal(session.nextDeadlineMs(), 2_100);
  assert.equal(acksOf(session.outgoing(2_100)).length, 1);
});

test("the audio that was not played is known to the sample, over chunks and turns", () => {
  const speaker = new FakeSpeaker();
  const { playback } = openSession({ speaker });
  const chunks = [1, 2, 3, 4].map((byte) => new Uint8Array(480).fill(byte));
  const unplayed = () => playback.unplayed().map(({ turn, pcm }) => [turn, pcm[0], pcm.length]);
  playback.arrived(1, chunks[0], 0);
  speaker.leftMs = 0;
  playback.arrived(1, chunks[1], 10);
  playback.arrived(2, chunks[2], 10);
  speaker.leftMs = 12.51;

  assert.deepEqual(unplayed(), [
    [1, 2, 120],
    [2, 3, 480],
  ]);
  playback.arrived(2, chunks[3], 10);
  speaker.leftMs = 0;
  assert.deepEqual(unplayed(), []);
  speaker.leftMs = 10;
  playback.stop(2, 20);
  speaker.leftMs = 10;
  assert.deepEqual(unplayed(), []);
});
