/**
 * Timers on one monotonic clock.
 *
 * Browsers delay the timers of hidden tabs by up to a minute. A call with audio therefore also runs
 * its due timers with the ticks of the audio worklets.
 */

/**
 * The source of time and of random numbers; tests replace it.
 * @typedef {{nowMs(): number, setTimeout(callback: () => void, delayMs: number): unknown,
 *   clearTimeout(handle: any): void, random(): number}} Clock
 */

/** @type {Clock} */
export const SYSTEM_CLOCK = Object.freeze({
  nowMs: () => performance.now(),
  setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ delayMs) =>
    setTimeout(callback, delayMs),
  clearTimeout: (/** @type {any} */ handle) => clearTimeout(handle),
  random: () => Math.random(),
});

/** The timers of one call. */
export class Timers {
  #clock;
  /** @type {Set<{atMs: number, fire: () => void}>} */
  #waiting = new Set();

  /** @param {Clock} [clock] */
  constructor(clock = SYSTEM_CLOCK) {
    this.#clock = clock;
  }

  /** The time of the monotonic clock in ms. */
  nowMs() {
    return this.#clock.nowMs();
  }

  /** A random number from 0 up to 1. */
  random() {
    return this.#clock.random();
  }

  /**
   * Calls `callback` once, after `delayMs` or with the first tick after it.
   * @param {number} delayMs
   * @param {() => void} callback
   * @returns {() => void} a function that cancels the timer
   */
  start(delayMs, callback) {
    const cancel = () => {
      this.#clock.clearTimeout(handle);
      this.#waiting.delete(timer);
    };
    const timer = {
      atMs: this.nowMs() + delayMs,
      fire: () => {
        cancel();
        callback();
      },
    };
    const handle = this.#clock.setTimeout(() => timer.fire(), delayMs);
    this.#waiting.add(timer);
    return cancel;
  }

  /** Fires the timers that are due, although the browser may delay them. */
  runDue() {
    const nowMs = this.nowMs();
    const due = [...this.#waiting].filter((timer) => timer.atMs <= nowMs);
    for (const timer of due.sort((one, other) => one.atMs - other.atMs)) {
      // An earlier timer may have cancelled this one.
      if (this.#waiting.has(timer)) {
        timer.fire();
      }
    }
  }

  /**
   * @param {number} delayMs
   * @param {AbortSignal} [signal] ends the wait
   * @returns {Promise<void>} rejected with the signal's reason
   */
  wait(delayMs, signal) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const stop = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.start(delayMs, () => {
        signal?.removeEventListener("abort", stop);
        resolve();
      });
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  /**
   * Waits for `work`, but no longer than `limitMs`.
   * @template Result
   * @param {number} limitMs
   * @param {AbortSignal | undefined} outer ends the wait too
   * @param {(signal: AbortSignal) => Promise<Result>} work gets the signal of both ends
   * @returns {Promise<Result>} rejected with an `AbortError` at both ends
   */
  async within(limitMs, outer, work) {
    outer?.throwIfAborted();
    const controller = new AbortController();
    const { signal } = controller;
    const abort = () => controller.abort();
    const cancel = this.start(limitMs, abort);
    outer?.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([work(signal), aborted(signal)]);
    } finally {
      cancel();
      outer?.removeEventListener("abort", abort);
    }
  }
}

/**
 * Returns whether `within` was rejected by one of its ends.
 * @param {unknown} error
 */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<never>}
 */
function aborted(signal) {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
