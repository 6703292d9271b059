/** Sessions and server frames for the tests of the protocol state machine. */

import { ClientSession } from "../../../../../clients/web/site/repartee/protocol/session.js";

/** 200 ms of input at 16 kHz. */
export const CHUNK = new Uint8Array(6_400);
/** API Gateway's report about an undelivered message, which it does not identify. */
export const COMPLAINT = JSON.stringify({
  message: "Endpoint request timed out",
  connectionId: "c=",
  requestId: "r=",
});

/** Returns the text of an answer or of a frame. */
export function answer(type, members = {}) {
  return JSON.stringify({ type, ...members });
}

export function ready(members = {}) {
  return answer("ready", {
    session_id: "S",
    conversation_id: "C",
    chunk_ms: 200,
    grace_s: 30,
    ...members,
  });
}

/** Returns a function that makes the frames of one worker, with consecutive numbers. */
export function worker(epoch = 1, firstSeq = 1) {
  let seq = firstSeq - 1;
  return (type, members = {}) => answer(type, { ...members, epoch, seq: (seq += 1) });
}

/** Returns the members of `audio` with this length of silence. */
export function replyAudio(turn, lengthMs) {
  return { turn, data: Buffer.alloc(lengthMs * 48).toString("base64") };
}

export function turnEnd(turn, firstAudioMs = 300) {
  return {
    turn,
    tokens_in: 100,
    tokens_out: 50,
    cost_usd: 0.001,
    first_audio_ms: firstAudioMs,
    skipped_messages: 0,
  };
}

/** Returns the type and the number of each message. */
export function said(texts) {
  return texts.map((text) => {
    const { type, seq } = JSON.parse(text);
    return seq === undefined ? type : `${type} ${seq}`;
  });
}

/** Returns a session that has sent `hello` at 0 and got `ready`. */
export function openSession({ answered = {}, ...options } = {}) {
  const session = new ClientSession(options);
  session.connected(0);
  session.outgoing(0);
  session.receive(ready(answered), 0);
  return session;
}

/** A speaker whose playing the test controls. */
export class FakeSpeaker {
  leftMs = 0;
  playedBytes = 0;
  stops = 0;

  play(pcm) {
    this.playedBytes += pcm.length;
    this.leftMs += pcm.length / 48;
  }

  stop() {
    this.stops += 1;
    this.leftMs = 0;
  }

  unplayedMs() {
    return this.leftMs;
  }
}
