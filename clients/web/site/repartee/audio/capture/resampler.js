/** Changes the rate of a stream of samples, for browsers that refuse a context at 16 kHz. */

/** Half the length of the filter, in periods of the lower rate. */
const ZERO_CROSSINGS = 32;
/**
 * The middle of the filter's slope, as a part of half the lower rate. With 32 zero crossings and
 * this value a Blackman window passes 6.3 kHz of 16 kHz whole and blocks what is above 8.3 kHz.
 */
const CUTOFF = 0.91;

/** Resamples by a polyphase low-pass filter: a sinc with a Blackman window. */
export class Resampler {
  #up;
  #down;
  #kernels;
  #phase = 0;
  #start = 0;
  /** @type {Float32Array} */
  #pending;

  /**
   * @param {number} fromRateHz
   * @param {number} toRateHz
   */
  constructor(fromRateHz, toRateHz) {
    const divisor = greatestCommonDivisor(fromRateHz, toRateHz);
    this.#up = toRateHz / divisor;
    this.#down = fromRateHz / divisor;
    const cutoff = CUTOFF * Math.min(1, this.#up / this.#down);
    const reach = Math.ceil(ZERO_CROSSINGS / Math.min(1, this.#up / this.#down));
    this.#kernels = Array.from({ length: this.#up }, (_, phase) =>
      kernel(phase / this.#up, cutoff, reach),
    );
    // The first output sample lies at the first input sample, which is in the filter's middle.
    this.#pending = new Float32Array(reach - 1);
  }

  /**
   * Processes the next samples, of any number; returns the output samples that are complete.
   * @param {Float32Array} samples
   * @returns {Float32Array}
   */
  push(samples) {
    const input = new Float32Array(this.#pending.length + samples.length);
    input.set(this.#pending);
    input.set(samples, this.#pending.length);
    const width = this.#kernels[0].length;
    const output = new Float32Array(Math.ceil((input.length * this.#up) / this.#down) + 1);
    let count = 0;
    while (this.#start + width <= input.length) {
      const weights = this.#kernels[this.#phase];
      let sum = 0;
      for (let place = 0; place < width; place += 1) {
        sum += weights[place] * input[this.#start + place];
      }
      output[count] = sum;
      count += 1;
      this.#phase += this.#down;
      this.#start += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    const used = Math.min(this.#start, input.length);
    this.#pending = input.slice(used);
    this.#start -= used;
    return output.subarray(0, count);
  }
}

/**
 * Returns the filter's weights for a position `offset` samples after an input sample.
 * @param {number} offset
 * @param {number} cutoff
 * @param {number} reach
 */
function kernel(offset, cutoff, reach) {
  const weights = Float64Array.from({ length: 2 * reach }, (_, place) => {
    const distance = place + 1 - reach - offset;
    return blackman(distance / reach) * sinc(distance * cutoff);
  });
  const total = weights.reduce((sum, weight) => sum + weight);
  return weights.map((weight) => weight / total);
}

/** @param {number} x -1 to 1 */
function blackman(x) {
  return 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x);
}

/** @param {number} x */
function sinc(x) {
  return x ? Math.sin(Math.PI * x) / (Math.PI * x) : 1;
}

/**
 * @param {number} one
 * @param {number} other
 * @returns {number}
 */
function greatestCommonDivisor(one, other) {
  return other ? greatestCommonDivisor(other, one % other) : one;
}
