/** Decides when queued reply audio is played, and plays it. */

import { FULL_SCALE, OUTPUT_RATE_HZ } from "../../pcm.js";

import { SampleRing } from "./sample_ring.js";

const SAMPLES_PER_MS = OUTPUT_RATE_HZ / 1_000;
/** A reply starts with this much in the queue. */
const START_SAMPLES = 120 * SAMPLES_PER_MS;
/** A shorter reply starts when nothing has come for this long. */
const COMPLETE_AFTER_SAMPLES = 150 * SAMPLES_PER_MS;
/** After an underrun the queue needs this much more than the newest message, for jitter. */
const RESTART_SAMPLES = 200 * SAMPLES_PER_MS;
/** The next message may be this late then, before the queue counts as the rest of the reply. */
const REST_AFTER_SAMPLES = 500 * SAMPLES_PER_MS;
/** Audio that comes later than this after the queue ran dry is another reply, no underrun. */
const SAME_REPLY_SAMPLES = 500 * SAMPLES_PER_MS;
/** Audio that is cut at once is heard as a click. */
const FADE_SAMPLES = 5 * SAMPLES_PER_MS;
/** How loud a reply is while the user may be interrupting it. */
const DUCKED_GAIN = 0.3;
/** The gain changes from 1 to 0.3 within 14 ms. */
const GAIN_STEP = 1 / (20 * SAMPLES_PER_MS);

/**
 * The state of a buffer. Samples are counted since the last `flush`, underruns from the start.
 * @typedef {object} Progress
 * @property {number} received samples that arrived
 * @property {number} queued samples that were not played yet
 * @property {number} played samples that were played
 * @property {boolean} isPlaying
 * @property {number} underruns
 */

/** Plays PCM16 of 24 kHz that arrives in bursts. Time is counted in rendered samples. */
export class PlaybackBuffer {
  #ring;
  #received = 0;
  #played = 0;
  #isPlaying = false;
  #underruns = 0;
  #isAfterUnderrun = false;
  #newestLength = 0;
  #sinceWrite = 0;
  #sinceDry = Infinity;
  /** @type {number[]} The last samples of a reply that was cut, already faded. */
  #fading = [];
  #gain = 1;
  #wantedGain = 1;

  /** @param {SampleRing} ring */
  constructor(ring = new SampleRing()) {
    this.#ring = ring;
  }

  get isPlaying() {
    return this.#isPlaying;
  }

  /** @returns {Progress} */
  get progress() {
    return {
      received: this.#received,
      queued: this.#ring.length,
      played: this.#played,
      isPlaying: this.#isPlaying,
      underruns: this.#underruns,
    };
  }

  /** @param {Int16Array} samples */
  write(samples) {
    if (!this.#isPlaying && !this.#ring.length) {
      this.#isAfterUnderrun = this.#sinceDry < SAME_REPLY_SAMPLES;
      this.#underruns += this.#isAfterUnderrun ? 1 : 0;
    }
    this.#ring.write(samples);
    this.#received += samples.length;
    this.#newestLength = samples.length;
    this.#sinceWrite = 0;
  }

  /** Drops the queue; what is playing fades out within 5 ms. */
  flush() {
    const count = this.#isPlaying ? Math.min(FADE_SAMPLES, this.#ring.length) : 0;
    this.#fading = Array.from(
      { length: count },
      (_, place) => this.#nextSample() * (1 - (place + 1) / FADE_SAMPLES),
    );
    this.#ring.clear();
    this.#isPlaying = false;
    this.#received = 0;
    this.#played = 0;
    this.#sinceDry = Infinity;
  }

  /** @param {boolean} isDucked */
  duck(isDucked) {
    this.#wantedGain = isDucked ? DUCKED_GAIN : 1;
  }

  /**
   * Fills the next block.
   * @param {Float32Array} output zeros; becomes -1 to 1
   */
  render(output) {
    this.#isPlaying ||= this.#isReady();
    for (let place = 0; place < output.length && this.#isPlaying; place += 1) {
      output[place] = this.#nextSample();
      this.#played += 1;
      if (!this.#ring.length) {
        this.#isPlaying = false;
        this.#sinceDry = 0;
      }
    }
    this.#fading.splice(0, output.length).forEach((sample, place) => {
      output[place] += sample;
    });
    this.#sinceWrite += output.length;
    this.#sinceDry += output.length;
  }

  #isReady() {
    const [wanted, completeAfter] = this.#isAfterUnderrun
      ? [RESTART_SAMPLES + this.#newestLength, REST_AFTER_SAMPLES]
      : [START_SAMPLES, COMPLETE_AFTER_SAMPLES];
    const isComplete = this.#sinceWrite >= completeAfter;
    return this.#ring.length > 0 && (this.#ring.length >= wanted || isComplete);
  }

  #nextSample() {
    const difference = this.#wantedGain - this.#gain;
    this.#gain += Math.max(-GAIN_STEP, Math.min(GAIN_STEP, difference));
    return (this.#ring.shift() / FULL_SCALE) * this.#gain;
  }
}
