/** The rules for opening a connection again: how long to wait, and which failures are final. */

import { CallError, HttpProblem } from "./errors.js";

/** @typedef {import("./errors.js").DailyLimit} DailyLimit */
/** @typedef {import("./timers.js").Timers} Timers */

/**
 * Why a call is over. `error` is null if its session ended as the protocol provides.
 * @typedef {{reason: string, error: CallError | null, dailyLimit: DailyLimit | null}} Ending
 */

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 10_000;
const FORBIDDEN = 403;
const TEMPORARY = [408, 429];
/** The first ticket may have expired before its use; the second refusal is final. */
const MAX_FORBIDDEN = 2;

/**
 * Yields the pauses before attempts in ms: short first, then growing, each at random. Random pauses
 * spread the reconnects of clients that lost their connections together.
 * @param {Timers} timers
 * @returns {Generator<number, never>}
 */
export function* delaysMs(timers) {
  for (let longestMs = FIRST_DELAY_MS; ; longestMs = Math.min(2 * longestMs, LONGEST_DELAY_MS)) {
    yield (0.5 + timers.random() / 2) * longestMs;
  }
}

/** The attempts to return to a session, from the loss of the connection to the next `ready`. */
export class Attempts {
  #delays;
  #forMs;
  #giveUpAtMs;
  #loss;
  /** @type {unknown} */
  #cause = null;
  #forbidden = 0;
  #waitMs = 0;

  /**
   * @param {Timers} timers
   * @param {number} forMs how long to try
   * @param {string} loss why the connection was lost
   */
  constructor(timers, forMs, loss) {
    this.#delays = delaysMs(timers);
    this.#forMs = forMs;
    this.#giveUpAtMs = timers.nowMs() + forMs;
    this.#loss = loss;
  }

  /** Returns the pause before the next attempt in ms. */
  nextDelayMs() {
    return Math.max(this.#delays.next().value, this.#waitMs);
  }

  /**
   * @param {number} nowMs
   * @returns {Ending | null} null before the time is over
   */
  timeout(nowMs) {
    if (nowMs < this.#giveUpAtMs) {
      return null;
    }
    const message =
      `the connection was lost (${this.#loss}) and did not come back within ` +
      `${this.#forMs / 1_000} s: open a call with the session's id when the network is back`;
    const error = new CallError("connection_lost", message, { cause: this.#cause });
    return { reason: error.code, error, dailyLimit: null };
  }

  /**
   * Takes the failure of an attempt.
   * @param {unknown} error
   * @returns {Ending | null} null if another attempt may succeed
   */
  failed(error) {
    this.#cause = error;
    return error instanceof HttpProblem ? this.#refused(error) : null;
  }

  /**
   * @param {HttpProblem} problem
   * @returns {Ending | null}
   */
  #refused(problem) {
    const { status, code, dailyLimit, retryAfterS } = problem;
    if (code === "user_erased") {
      return { reason: "erased", error: null, dailyLimit: null };
    }
    if (dailyLimit !== null) {
      return { reason: "limit_reached", error: null, dailyLimit };
    }
    if (status === 404 || status === 409) {
      return { reason: "session_ended", error: null, dailyLimit: null };
    }
    this.#waitMs = Math.min((retryAfterS ?? 0) * 1_000, LONGEST_DELAY_MS);
    this.#forbidden += Number(status === FORBIDDEN);
    const isFinal = status >= 400 && status < 500 && !TEMPORARY.includes(status);
    if (!isFinal || (status === FORBIDDEN && this.#forbidden < MAX_FORBIDDEN)) {
      return null;
    }
    const refusal = new CallError("access_refused", problem.message, { cause: problem });
    return { reason: refusal.code, error: refusal, dailyLimit: null };
  }
}
