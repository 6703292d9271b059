/**
 * The client's side of one session, without sockets, clock or timers.
 *
 * Pass it received frames and the user's actions, send the frames that `outgoing` returns, and call
 * `outgoing` again at `nextDeadlineMs`. All times are ms of one monotonic clock.
 */

import { decodeBase64, encodeBase64 } from "./base64.js";
import { Deadlines, earliest, isDue } from "./deadlines.js";
import { decodeServerMessage } from "./decoding.js";
import { FrameEffects } from "./frame_effects.js";
import { ClientInbox } from "./inbox.js";
import { encodeAck, encodePing, helloOf, STOP } from "./messages.js";
import { ClientOutbox } from "./outbox.js";
import { OwedAnswer } from "./owed_answer.js";
import { Playback } from "./playback.js";

/** @typedef {import("./decoding.js").NumberedFrame} NumberedFrame */
/** @typedef {import("./frames.js").Answer} Answer */
/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./frames.js").Position} Position */
/** @typedef {import("./playback.js").Speaker} Speaker */

/**
 * What an earlier client of a session has received, and how much of the audio of `turn` it has
 * played. `turn` is the turn whose audio came last. `unplayed` is audio that it has not played, and
 * `unsentTexts` are texts that it has not sent.
 * @typedef {{epoch: number, seq: number, turn?: number, playedMs?: number,
 *   unplayed?: {turn: number, data: string}[], unsentTexts?: string[]}} Resumption
 */

/** The wait after API Gateway rejected a message because of throttling. */
const RESEND_UNDELIVERED_AFTER_MS = 1_000;

/** The protocol state machine of one client. */
export class ClientSession {
  /** Whether the client has hung up. */
  isLeaving = false;
  /** Whether the client marks all speech; `hello` says so if the server has the feature. */
  marksSpeech;
  /**
   * The features of the server, from the answer of `POST /sessions`; the next `hello` lists those
   * that this client uses.
   * @type {readonly string[]}
   */
  features;
  /** The client's messages and their acceptance. */
  outbox = new ClientOutbox();
  /**
   * The reply audio that the user has heard.
   * @type {Playback}
   */
  playback;

  #inbox = new ClientInbox();
  #owed = new OwedAnswer();
  #deadlines = new Deadlines();
  #effects;
  /**
   * Texts of an earlier client, which follow the first `hello`.
   * @type {string[]}
   */
  #unsentTexts = [];

  /**
   * @param {object} [options]
   * @param {readonly string[]} [options.features] see the property
   * @param {boolean} [options.marksSpeech] see the property
   * @param {Speaker | null} [options.speaker] plays the replies; without it, playing in real time
   *   is assumed
   */
  constructor({ features = [], speaker = null, marksSpeech = false } = {}) {
    this.features = features;
    this.marksSpeech = marksSpeech;
    this.playback = new Playback(speaker);
    this.#effects = new FrameEffects({
      outbox: this.outbox,
      inbox: this.#inbox,
      playback: this.playback,
      owed: this.#owed,
      deadlines: this.#deadlines,
    });
  }

  /** The server's answer to the newest `hello`; null until it arrives. */
  get ready() {
    return this.#effects.ready;
  }

  /** The session's last frame; null until it arrives. */
  get closed() {
    return this.#effects.closed;
  }

  /** The refusal after which the call cannot go on; null until it arrives. */
  get refusal() {
    return this.#effects.refusal;
  }

  /** Whether the user's latest utterance or text is not answered completely. */
  get isWaitingForAnswer() {
    return this.#owed.sinceMs !== null;
  }

  /** The position up to which output was received. */
  get position() {
    return this.#inbox.position;
  }

  /**
   * Returns what a reloaded page needs to continue this session.
   * @param {number} nowMs
   * @param {object} [options]
   * @param {boolean} [options.withAudio] whether to include the audio that was not played yet
   * @returns {Resumption}
   */
  resumption(nowMs, { withAudio = false } = {}) {
    const { turn } = this.playback;
    const playedMs = this.playback.playedMs(turn, nowMs);
    const { unsentTexts } = this.outbox;
    const texts = unsentTexts.length > 0 ? { unsentTexts } : {};
    const resumption = { ...this.position, turn, playedMs, ...texts };
    if (withAudio) {
      return { ...resumption, unplayed: this.playback.unplayed().map(encoded) };
    }
    return resumption;
  }

  /**
   * Continues after the output that an earlier client of this session received, such as the page
   * before its reload, plays what that client did not play, and sends what it did not send. Call it
   * before the first `connected`. The server gives the next number.
   * @param {Resumption} resumption
   * @param {number} [nowMs]
   */
  resumeAt({ epoch, seq, turn = 0, playedMs = 0, unplayed = [], unsentTexts = [] }, nowMs = 0) {
    this.#unsentTexts = [...unsentTexts];
    if (seq > 0) {
      this.#inbox.resumeAt({ epoch, seq });
      this.playback.resumeAt(turn, playedMs);
      for (const chunk of unplayed) {
        this.playback.arrived(chunk.turn, decodeBase64(chunk.data), nowMs);
      }
    }
  }

  // Actions of the user and of the connection.

  /**
   * Queues `hello` for a connection that has just opened, the first one or a later one.
   * @param {number} nowMs
   */
  connected(nowMs) {
    this.#effects.ready = null;
    this.#deadlines.helloSent(nowMs);
    this.#deadlines.lastSentMs = nowMs;
    this.outbox.reconnected(nowMs);
    this.outbox.put(helloOf(this.position, this.marksSpeech, this.features));
    this.#unsentTexts.splice(0).forEach((text) => this.text(text, nowMs));
  }

  speechStart() {
    this.outbox.put({ type: "speech_start" });
  }

  /** @param {Uint8Array} pcm */
  audio(pcm) {
    this.outbox.put({ type: "audio", pcm });
  }

  /** @param {number} nowMs */
  speechEnd(nowMs) {
    this.#owed.requested(this.outbox.put({ type: "speech_end" }), nowMs);
  }

  /**
   * @param {string} text
   * @param {number} nowMs
   */
  text(text, nowMs) {
    this.#owed.requested(this.outbox.put({ type: "text", text }), nowMs);
  }

  /**
   * Stops the reply at once; a server without the feature `stop` gets no message.
   * @param {number} nowMs
   */
  stop(nowMs) {
    const { turn } = this.playback;
    if (turn > 0) {
      this.playback.stop(turn, nowMs);
      this.#deadlines.acknowledgeBy(nowMs);
    }
    if (this.features.includes(STOP)) {
      this.outbox.put({ type: "stop" });
    }
  }

  bye() {
    this.isLeaving = true;
    this.outbox.put({ type: "bye" });
  }

  // Received frames.

  /**
   * Processes one text frame; returns the frames and answers that are now in order. Frames of a
   * replaced worker are dropped.
   *
   * Throws a `BadServerMessageError` if the text is not a message of the protocol.
   * @param {string} text
   * @param {number} nowMs
   * @returns {(Frame | Answer)[]}
   */
  receive(text, nowMs) {
    const message = decodeServerMessage(text);
    switch (message.kind) {
      case "numbered":
        return this.#receiveNumbered(message, nowMs);
      case "answer":
        this.#effects.applyAnswer(message.answer, nowMs);
        return [message.answer];
      case "undelivered":
        this.outbox.resendAll(nowMs + RESEND_UNDELIVERED_AFTER_MS);
        return [];
      default:
        return [];
    }
  }

  /**
   * @param {NumberedFrame} message
   * @param {number} nowMs
   */
  #receiveNumbered(message, nowMs) {
    const before = this.position;
    const frames = this.#inbox.put(message);
    frames.forEach((frame) => this.#effects.apply(frame, nowMs));
    if (this.position !== before && this.position.seq > 0) {
      this.#deadlines.frameReceived(nowMs, !this.playback.isSilent(nowMs));
    }
    return frames;
  }

  // Frames to send.

  /**
   * Returns the text frames to send now, in order; each is returned once.
   * @param {number} nowMs
   * @returns {string[]}
   */
  outgoing(nowMs) {
    const deadlines = this.#deadlines;
    if (isDue(this.#helloAtMs, nowMs)) {
      deadlines.helloSent(nowMs);
      this.outbox.resendHello();
    }
    const texts = this.outbox.due(nowMs);
    if (this.ready !== null && isDue(deadlines.ackAtMs, nowMs)) {
      texts.push(this.#ack(nowMs));
    }
    if (texts.length > 0) {
      deadlines.lastSentMs = nowMs;
    }
    if (isDue(this.#owedPingAtMs, nowMs)) {
      deadlines.owedPingSent(nowMs);
      texts.push(encodePing(true));
    } else if (this.ready !== null && isDue(deadlines.idlePingAtMs, nowMs)) {
      deadlines.lastSentMs = nowMs;
      texts.push(encodePing(false));
    }
    return texts;
  }

  /** Returns when to call `outgoing` again if nothing else happens; null for never. */
  nextDeadlineMs() {
    const { idlePingAtMs, ackAtMs } = this.#deadlines;
    const whenReady = [this.outbox.nextDeadlineMs, idlePingAtMs, ackAtMs];
    return earliest([
      this.#helloAtMs,
      this.#owedPingAtMs,
      ...(this.ready === null ? [] : whenReady),
    ]);
  }

  get #helloAtMs() {
    return this.ready === null ? this.#deadlines.helloAtMs : null;
  }

  get #owedPingAtMs() {
    if (this.ready === null || this.closed !== null) {
      return null;
    }
    const leavingSinceMs = this.isLeaving ? this.#deadlines.lastSentMs : null;
    // The worker may have died before it read the message; a ping wakes another worker.
    const sinceMs = this.#owed.sinceMs ?? leavingSinceMs ?? this.outbox.unacceptedSinceMs;
    return sinceMs === null ? null : this.#deadlines.owedPingAtMs(sinceMs);
  }

  /** @param {number} nowMs */
  #ack(nowMs) {
    this.#deadlines.ackAtMs = null;
    const { turn } = this.playback;
    return encodeAck(this.position, turn, this.playback.playedMs(turn, nowMs));
  }
}

/** @param {import("./playback.js").Chunk} chunk */
function encoded({ turn, pcm }) {
  return { turn, data: encodeBase64(pcm) };
}
