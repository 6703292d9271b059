/** Cuts a stream of samples into frames for the detector and the wire. */

import { INPUT_RATE_HZ, toPcm16 } from "../../pcm.js";

/** The length that the detector takes, and a divisor of every useful length of a message. */
export const FRAME_MS = 20;
/** The samples of a frame. */
export const FRAME_SAMPLES = (INPUT_RATE_HZ * FRAME_MS) / 1_000;

/** Collects samples of Web Audio until a PCM16 frame is full. */
export class FrameCutter {
  #frame = new Int16Array(FRAME_SAMPLES);
  #count = 0;

  /**
   * Processes the next samples, of any number; returns the frames that they complete.
   * @param {Float32Array} samples
   * @returns {Int16Array<ArrayBuffer>[]}
   */
  push(samples) {
    const frames = [];
    for (const sample of samples) {
      this.#frame[this.#count] = toPcm16(sample);
      this.#count += 1;
      if (this.#count === FRAME_SAMPLES) {
        frames.push(this.#frame);
        this.#frame = new Int16Array(FRAME_SAMPLES);
        this.#count = 0;
      }
    }
    return frames;
  }
}
