/** Serves one connection: sends the frames of the session in time, and notices silence. */

import { encodePing } from "./protocol/messages.js";

/** @typedef {import("./line.js").Line} Line */
/** @typedef {import("./protocol/session.js").ClientSession} ClientSession */
/** @typedef {import("./timers.js").Timers} Timers */

/**
 * Gets every received text frame (null for a binary one), every sent one, and the reason when the
 * connection is lost.
 * @typedef {{receive(text: string | null): void, sent(text: string): void,
 *   lost(reason: string): void}} ConnectionUser
 */

/**
 * How long a connection may be silent after a message before it counts as lost. The server answers
 * every message except `ack`. If a worker does not accept a message soon, a ping follows, which the
 * message function answers.
 */
const SILENT_AFTER_MS = 15_000;
/** The same after the network may have changed; longer than a cold start of the function. */
const SILENT_AFTER_CHECK_MS = 5_000;
/** The same after the browser has reported that the device is offline. */
const SILENT_AFTER_OFFLINE_MS = 1_000;
const ACK = '{"type":"ack"';

/** One connection of a session, from its opening to its end. */
export class Connection {
  #line;
  #session;
  #timers;
  #user;
  #isClosed = false;
  /** @type {number | null} */
  #unansweredSinceMs = null;
  #silentAfterMs = SILENT_AFTER_MS;
  #cancelWake = () => {};

  /**
   * @param {Line} line
   * @param {ClientSession} session
   * @param {Timers} timers
   * @param {ConnectionUser} user
   */
  constructor(line, session, timers, user) {
    this.#line = line;
    this.#session = session;
    this.#timers = timers;
    this.#user = user;
    line.onText = (text) => {
      this.#unansweredSinceMs = null;
      this.#silentAfterMs = SILENT_AFTER_MS;
      user.receive(text);
      this.flush();
    };
    line.onEnd = (reason) => this.#lost(reason);
    session.connected(timers.nowMs());
    this.flush();
  }

  /** Sends the messages that were added to the session, and those that are due. */
  flush() {
    if (this.#isClosed) {
      return;
    }
    for (const text of this.#session.outgoing(this.#timers.nowMs())) {
      this.#send(text);
    }
    this.#schedule();
  }

  /**
   * Finds out soon whether the connection still works.
   * @param {boolean} isOffline whether the browser says that there is no network
   */
  check(isOffline) {
    this.#silentAfterMs = isOffline ? SILENT_AFTER_OFFLINE_MS : SILENT_AFTER_CHECK_MS;
    // Before `ready`, the answer to `hello` shows whether it works.
    if (this.#session.ready !== null) {
      this.#send(encodePing(false));
    }
    this.#schedule();
  }

  /** Closes the connection, and reports nothing more. */
  close() {
    this.#isClosed = true;
    this.#cancelWake();
    this.#line.close();
  }

  /** @param {string} text */
  #send(text) {
    this.#user.sent(text);
    this.#line.send(text);
    if (!text.startsWith(ACK)) {
      this.#unansweredSinceMs ??= this.#timers.nowMs();
    }
  }

  #schedule() {
    this.#cancelWake();
    const dueMs = Math.min(this.#session.nextDeadlineMs() ?? Infinity, this.#silentAtMs());
    if (dueMs < Infinity) {
      const delayMs = Math.max(0, dueMs - this.#timers.nowMs());
      this.#cancelWake = this.#timers.start(delayMs, () => this.#wake());
    }
  }

  #silentAtMs() {
    return this.#unansweredSinceMs === null
      ? Infinity
      : this.#unansweredSinceMs + this.#silentAfterMs;
  }

  #wake() {
    if (this.#silentAtMs() <= this.#timers.nowMs()) {
      this.#lost("the server is silent");
    } else {
      this.flush();
    }
  }

  /** @param {string} reason */
  #lost(reason) {
    this.close();
    this.#user.lost(reason);
  }
}
