/** When the client must send something although nothing happens. */

/**
 * The longest delay of an acknowledgement while a reply plays. When the user interrupts the reply,
 * the server remembers only the acknowledged part of it.
 */
const ACK_EVERY_MS = 500;
/** The delay of an acknowledgement at other times: it is not urgent and costs one message. */
const SILENT_ACK_AFTER_MS = 3_000;
/** The interval of pings while an answer or the acceptance of input is outstanding. */
const OWED_PING_AFTER_MS = 1_000;
/** Longer than a cold start of the message function, which answers a repeated `hello` too. */
const HELLO_AGAIN_AFTER_MS = 3_000;
/** API Gateway closes a connection without traffic after 10 minutes. */
const IDLE_PING_AFTER_MS = 8 * 60 * 1_000;

/** The times of the next `hello`, acknowledgement and pings. */
export class Deadlines {
  /**
   * When to acknowledge; null if nothing is unacknowledged.
   * @type {number | null}
   */
  ackAtMs = null;
  /** When the last message was sent. */
  lastSentMs = 0;

  /** @type {number | null} */
  #helloSentAtMs = null;
  #lastFrameMs = 0;
  #lastOwedPingMs = 0;

  /** @param {number} nowMs */
  helloSent(nowMs) {
    this.#helloSentAtMs = nowMs;
  }

  /** @param {number} nowMs */
  owedPingSent(nowMs) {
    this.#lastOwedPingMs = this.lastSentMs = nowMs;
  }

  /**
   * @param {number} nowMs
   * @param {boolean} isPlaying whether a reply plays
   */
  frameReceived(nowMs, isPlaying) {
    this.#lastFrameMs = nowMs;
    this.acknowledgeBy(nowMs + (isPlaying ? ACK_EVERY_MS : SILENT_ACK_AFTER_MS));
  }

  /** @param {number} atMs */
  acknowledgeBy(atMs) {
    this.ackAtMs = Math.min(atMs, this.ackAtMs ?? atMs);
  }

  /** When to send `hello` again if it is not answered; null before the first. */
  get helloAtMs() {
    return this.#helloSentAtMs === null ? null : this.#helloSentAtMs + HELLO_AGAIN_AFTER_MS;
  }

  /**
   * Returns when to ask for an answer that has been owed since `sinceMs`.
   * @param {number} sinceMs
   */
  owedPingAtMs(sinceMs) {
    return Math.max(sinceMs, this.#lastFrameMs, this.#lastOwedPingMs) + OWED_PING_AFTER_MS;
  }

  /** When to ping so that the connection stays open. */
  get idlePingAtMs() {
    return this.lastSentMs + IDLE_PING_AFTER_MS;
  }
}

/**
 * Returns the earliest time, or null if there is none.
 * @param {(number | null)[]} timesMs
 */
export function earliest(timesMs) {
  const known = timesMs.filter((timeMs) => timeMs !== null);
  return known.length > 0 ? Math.min(...known) : null;
}

/**
 * @param {number | null} atMs
 * @param {number} nowMs
 */
export function isDue(atMs, nowMs) {
  return atMs !== null && atMs <= nowMs;
}
