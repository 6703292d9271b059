/** Keeps account of how much reply audio the user has heard. */

import { OUTPUT_BYTES_PER_MS, SAMPLE_BYTES } from "../pcm.js";

/** @typedef {{turn: number, pcm: Uint8Array<ArrayBuffer>}} Chunk */

/**
 * The playing half of an `AudioPort`: `play` appends audio to the queue, `stop` stops playing at
 * once and drops the queue, and `unplayedMs` returns the length of the queued audio that was not
 * heard yet.
 * @typedef {{play(pcm: Uint8Array<ArrayBuffer>): void, stop(): void,
 *   unplayedMs(): number}} Speaker
 */

/** Plays reply audio in the order of arrival, without gaps. */
export class Playback {
  /** The turn whose audio arrived last; 0 before any audio. */
  turn = 0;

  /** @type {Speaker | null} */
  #speaker;
  /** @type {Map<number, number>} */
  #receivedMs = new Map();
  #endsAtMs = 0;
  /** @type {Map<number, number>} */
  #stoppedMs = new Map();
  /**
   * The newest chunks: at least those that the speaker has not played.
   * @type {Chunk[]}
   */
  #newest = [];
  #newestBytes = 0;

  /** @param {Speaker | null} [speaker] plays the audio; without it, real time is assumed */
  constructor(speaker = null) {
    this.#speaker = speaker;
  }

  /**
   * Continues a turn whose audio an earlier client of the session has played up to `playedMs`.
   * @param {number} turn
   * @param {number} playedMs
   */
  resumeAt(turn, playedMs) {
    this.turn = turn;
    this.#receivedMs.set(turn, playedMs);
  }

  /**
   * Appends audio of a turn, unless the turn was stopped.
   * @param {number} turn
   * @param {Uint8Array<ArrayBuffer>} pcm
   * @param {number} nowMs
   */
  arrived(turn, pcm, nowMs) {
    if (this.#stoppedMs.has(turn)) {
      return;
    }
    const lengthMs = pcm.length / OUTPUT_BYTES_PER_MS;
    this.#receivedMs.set(turn, (this.#receivedMs.get(turn) ?? 0) + lengthMs);
    this.#endsAtMs = Math.max(this.#endsAtMs, nowMs) + lengthMs;
    this.turn = turn;
    if (pcm.length > 0 && this.#speaker !== null) {
      this.#speaker.play(pcm);
      this.#remember({ turn, pcm }, this.#speaker.unplayedMs() * OUTPUT_BYTES_PER_MS);
    }
  }

  /** Returns the audio that the speaker has not played, in order. */
  unplayed() {
    const unplayedMs = this.#speaker?.unplayedMs() ?? 0;
    const samples = Math.round((unplayedMs * OUTPUT_BYTES_PER_MS) / SAMPLE_BYTES);
    let playedBytes = Math.max(0, this.#newestBytes - samples * SAMPLE_BYTES);
    /** @type {Chunk[]} */
    const chunks = [];
    for (const { turn, pcm } of this.#newest) {
      const rest = pcm.subarray(playedBytes);
      playedBytes = Math.max(0, playedBytes - pcm.length);
      if (rest.length > 0) {
        chunks.push({ turn, pcm: rest });
      }
    }
    return chunks;
  }

  /**
   * Returns how much of the turn's audio has been played.
   * @param {number} turn
   * @param {number} nowMs
   */
  playedMs(turn, nowMs) {
    const stoppedMs = this.#stoppedMs.get(turn);
    if (stoppedMs !== undefined) {
      return stoppedMs;
    }
    const receivedMs = this.#receivedMs.get(turn) ?? 0;
    // Turns are played one after the other, so the audio of later turns is still queued.
    let laterMs = 0;
    for (const [other, lengthMs] of this.#receivedMs) {
      laterMs += other > turn ? lengthMs : 0;
    }
    const leftMs = Math.max(0, this.#unplayedMs(nowMs) - laterMs);
    return Math.round(receivedMs - Math.min(receivedMs, leftMs));
  }

  /**
   * Stops at once and drops all queued audio.
   * @param {number} turn
   * @param {number} nowMs
   */
  stop(turn, nowMs) {
    this.#stoppedMs.set(turn, this.playedMs(turn, nowMs));
    const playedMs = [...this.#receivedMs.keys()]
      .filter((other) => other !== turn)
      .map((other) => /** @type {const} */ ([other, this.playedMs(other, nowMs)]));
    this.#receivedMs = new Map(playedMs);
    this.#endsAtMs = nowMs;
    this.#newest = [];
    this.#newestBytes = 0;
    this.#speaker?.stop();
  }

  /**
   * Drops the audio of `turn` and of later turns, because the server sends them again.
   * @param {number} turn
   * @param {number} nowMs
   */
  restart(turn, nowMs) {
    this.stop(turn, nowMs);
    for (const turns of [this.#stoppedMs, this.#receivedMs]) {
      [...turns.keys()].filter((other) => other >= turn).forEach((other) => turns.delete(other));
    }
  }

  /**
   * Returns whether all audio has been played.
   * @param {number} nowMs
   */
  isSilent(nowMs) {
    return this.#unplayedMs(nowMs) <= 0;
  }

  /**
   * @param {Chunk} chunk
   * @param {number} unplayedBytes
   */
  #remember(chunk, unplayedBytes) {
    this.#newest.push(chunk);
    this.#newestBytes += chunk.pcm.length;
    while (this.#newest.length > 1) {
      const leftBytes = this.#newestBytes - this.#newest[0].pcm.length;
      if (leftBytes < unplayedBytes) {
        break;
      }
      this.#newest.shift();
      this.#newestBytes = leftBytes;
    }
  }

  /** @param {number} nowMs */
  #unplayedMs(nowMs) {
    return this.#speaker?.unplayedMs() ?? Math.max(0, this.#endsAtMs - nowMs);
  }
}
