/** A queue of samples in a ring buffer, which grows up to a limit. */

/** 22 s at 24 kHz, 1 MB: most replies fit. */
const FIRST_CAPACITY = 2 ** 19;
/** 11.6 min at 24 kHz, 32 MB: Gemini sends a reply faster than it is played. */
const MAX_CAPACITY = 2 ** 24;

/** Queues PCM16 samples. It never allocates, except that it doubles when it is full. */
export class SampleRing {
  /** @type {Int16Array} */
  #samples;
  #maxCapacity;
  #read = 0;
  #length = 0;

  /**
   * @param {number} capacity a power of two
   * @param {number} maxCapacity a power of two
   */
  constructor(capacity = FIRST_CAPACITY, maxCapacity = MAX_CAPACITY) {
    this.#samples = new Int16Array(capacity);
    this.#maxCapacity = maxCapacity;
  }

  /** The samples in the queue. */
  get length() {
    return this.#length;
  }

  /**
   * Appends samples; drops those beyond the limit.
   * @param {Int16Array} samples
   * @returns {number} the samples that were dropped
   */
  write(samples) {
    while (this.#length + samples.length > this.#samples.length) {
      if (this.#samples.length === this.#maxCapacity) {
        break;
      }
      this.#grow();
    }
    const fitting = samples.subarray(0, this.#samples.length - this.#length);
    const start = (this.#read + this.#length) % this.#samples.length;
    const untilEnd = this.#samples.length - start;
    this.#samples.set(fitting.subarray(0, untilEnd), start);
    this.#samples.set(fitting.subarray(untilEnd), 0);
    this.#length += fitting.length;
    return samples.length - fitting.length;
  }

  /**
   * Takes out one sample.
   * @returns {number} 0 from an empty queue
   */
  shift() {
    if (!this.#length) {
      return 0;
    }
    const sample = this.#samples[this.#read];
    this.#read = (this.#read + 1) % this.#samples.length;
    this.#length -= 1;
    return sample;
  }

  /** Drops all samples. */
  clear() {
    this.#read = 0;
    this.#length = 0;
  }

  #grow() {
    const larger = new Int16Array(this.#samples.length * 2);
    larger.set(this.#samples.subarray(this.#read));
    larger.set(this.#samples.subarray(0, this.#read), this.#samples.length - this.#read);
    this.#samples = larger;
    this.#read = 0;
  }
}
