/** Turns the messages of the audio threads into regular levels and ticks. */

import { toLevel } from "./levels.js";

const EVERY_MS = 45;

/** Reports levels about 20 times a second, as long as the microphone or the speaker runs. */
export class Heartbeat {
  #onBeat;
  #inputRms = 0;
  #outputPeak = 0;
  #beatAtMs = -Infinity;

  /** @param {(levels: {input: number, output: number}) => void} onBeat levels of 0 to 1 */
  constructor(onBeat) {
    this.#onBeat = onBeat;
  }

  /**
   * Processes the loudness of 20 ms of the microphone.
   * @param {number} rms
   * @param {number} nowMs
   */
  recorded(rms, nowMs) {
    this.#inputRms = Math.max(this.#inputRms, rms);
    this.#beat(nowMs);
  }

  /**
   * Processes the peak of 50 ms of the speaker.
   * @param {number} peak
   * @param {number} nowMs
   */
  played(peak, nowMs) {
    this.#outputPeak = Math.max(this.#outputPeak, peak);
    this.#beat(nowMs);
  }

  /** @param {number} nowMs */
  #beat(nowMs) {
    if (nowMs >= this.#beatAtMs + EVERY_MS) {
      this.#beatAtMs = nowMs;
      this.#onBeat({ input: toLevel(this.#inputRms), output: toLevel(this.#outputPeak) });
      this.#inputRms = this.#outputPeak = 0;
    }
  }
}
