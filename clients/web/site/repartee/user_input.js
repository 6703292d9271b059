/** Passes what the user says and types to the session. */

import { INPUT_BYTES_PER_MS } from "./pcm.js";

/** @typedef {import("./protocol/session.js").ClientSession} ClientSession */
/** @typedef {import("./timers.js").Timers} Timers */

const MAX_TEXT_CHARACTERS = 4_000;
/** Control characters but line ends and tabs, and the overrides of the direction of all text. */
const REFUSED = /(?![\t\n\r])\p{Cc}|[\u202d\u202e]/u;

/** The input of one call. Audio of any length becomes chunks of the recommended length. */
export class UserInput {
  #session;
  #timers;
  #flush;
  #chunkMs = 200;
  #maxAudioBytes = 16_000;
  #isSpeaking = false;
  #unsent = new Uint8Array(0);
  #cancelTimer = () => {};

  /**
   * @param {ClientSession} session
   * @param {Timers} timers
   * @param {() => void} flush sends the session's messages
   */
  constructor(session, timers, flush) {
    this.#session = session;
    this.#timers = timers;
    this.#flush = flush;
  }

  /** @param {import("./protocol/frames.js").Ready} ready has the limits for audio */
  opened({ chunk_ms: chunkMs, max_audio_bytes: maxAudioBytes }) {
    this.#chunkMs = chunkMs;
    this.#maxAudioBytes = maxAudioBytes;
  }

  speechStart() {
    this.sendRest();
    this.#isSpeaking = true;
    this.#session.speechStart();
    this.#flush();
  }

  /**
   * @param {Uint8Array} pcm PCM16 little-endian mono, 16 kHz
   * @param {boolean} isMarked whether all audio lies between marks
   */
  audio(pcm, isMarked) {
    if (isMarked && !this.#isSpeaking) {
      // The user was already speaking when the call opened.
      this.speechStart();
    }
    this.#cancelTimer();
    const chunkBytes = Math.min(this.#chunkMs * INPUT_BYTES_PER_MS, this.#maxAudioBytes);
    let rest = joined(this.#unsent, pcm);
    for (; rest.length >= chunkBytes; rest = rest.subarray(chunkBytes)) {
      this.#session.audio(rest.subarray(0, chunkBytes));
    }
    this.#unsent = rest;
    if (rest.length > 0) {
      // The rest is sent even if no more audio of this utterance follows.
      this.#cancelTimer = this.#timers.start(2 * this.#chunkMs, () => {
        this.sendRest();
        this.#flush();
      });
    }
    this.#flush();
  }

  speechEnd() {
    if (this.#isSpeaking) {
      this.sendRest();
      this.#isSpeaking = false;
      this.#session.speechEnd(this.#timers.nowMs());
      this.#flush();
    }
  }

  /** @param {string} text */
  text(text) {
    this.sendRest();
    this.#session.text(text, this.#timers.nowMs());
    this.#flush();
  }

  stop() {
    this.sendRest();
    this.#session.stop(this.#timers.nowMs());
    this.#flush();
  }

  bye() {
    this.sendRest();
    this.#session.bye();
    this.#flush();
  }

  /** Queues audio that is shorter than a chunk, because another message follows it. */
  sendRest() {
    this.#cancelTimer();
    if (this.#unsent.length > 0) {
      this.#session.audio(this.#unsent);
      this.#unsent = new Uint8Array(0);
    }
  }

  /** Drops the audio that is not in the session yet. */
  drop() {
    this.#cancelTimer();
    this.#unsent = new Uint8Array(0);
  }
}

/**
 * Throws a `TypeError` or `RangeError` for a text that the server would refuse.
 * @param {string} text
 */
export function checkText(text) {
  if (typeof text !== "string") {
    throw new TypeError(`text is of the type ${typeof text}: pass a string`);
  }
  // The server counts code points, and a string counts UTF-16 units.
  const length = [...text].length;
  if (length > MAX_TEXT_CHARACTERS) {
    throw new RangeError(
      `text has ${length} characters: send at most ${MAX_TEXT_CHARACTERS} at a time`,
    );
  }
  if (text.trim() === "") {
    throw new RangeError(`text has ${length} characters, none of them visible: send at least one`);
  }
  if (/\p{Surrogate}/u.test(text)) {
    throw new RangeError("text contains a lone surrogate, which UTF-8 cannot carry: remove it");
  }
  const refused = REFUSED.exec(text)?.[0].charCodeAt(0);
  if (refused !== undefined) {
    const name = `U+${refused.toString(16).toUpperCase().padStart(4, "0")}`;
    throw new RangeError(`text contains ${name}, which the server refuses: remove it`);
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} first
 * @param {Uint8Array} second
 */
function joined(first, second) {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
