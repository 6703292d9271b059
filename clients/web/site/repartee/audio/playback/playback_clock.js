/** Estimates how much of the queued audio the user has not heard yet. */

import { OUTPUT_RATE_HZ } from "../../pcm.js";

/** @typedef {import("./playback_buffer.js").Progress} Progress */

/** Some devices report nonsense; Bluetooth takes up to 300 ms. */
const MAX_LATENCY_S = 0.5;

/**
 * Follows a playback buffer in another thread by its reports.
 *
 * Between two reports the buffer plays in real time. What it has played sounds later by the
 * latency of the device.
 */
export class PlaybackClock {
  #written = 0;
  #reportedAtS = 0;
  /** @type {Pick<Progress, "received" | "queued" | "isPlaying">} */
  #report = { received: 0, queued: 0, isPlaying: false };
  /** When the newest sample leaves the queue, as far as is known. */
  #dryAtS = -Infinity;

  /**
   * Notes audio that was passed to the buffer.
   * @param {number} samples
   */
  wrote(samples) {
    this.#written += samples;
  }

  /**
   * Notes the buffer's report.
   * @param {Progress} progress
   * @param {number} atS the time of the audio context
   */
  reported(progress, atS) {
    this.#report = progress;
    this.#reportedAtS = atS;
    if (progress.isPlaying) {
      this.#dryAtS = atS + progress.queued / OUTPUT_RATE_HZ;
    }
  }

  /** Notes that the queue was dropped; the caller must ignore reports from before it. */
  flushed() {
    this.#written = 0;
    this.#report = { received: 0, queued: 0, isPlaying: false };
    this.#dryAtS = -Infinity;
  }

  /**
   * Returns the length of the audio that was not heard yet.
   * @param {number} nowS the time of the audio context
   * @param {number} latencyS how much later the device plays
   * @returns {number}
   */
  unplayedMs(nowS, latencyS) {
    const { received, queued, isPlaying } = this.#report;
    const renderedS = isPlaying ? Math.max(0, nowS - this.#reportedAtS) : 0;
    const waitingS = (this.#written - received) / OUTPUT_RATE_HZ;
    const queuedS = Math.max(0, queued / OUTPUT_RATE_HZ - renderedS) + waitingS;
    const latency = Math.max(0, Math.min(MAX_LATENCY_S, latencyS || 0));
    const sinceDryS = Math.max(0, nowS - this.#dryAtS);
    const soundingS = Math.max(0, latency - sinceDryS);
    return Math.min(queuedS + soundingS, this.#written / OUTPUT_RATE_HZ) * 1_000;
  }
}
