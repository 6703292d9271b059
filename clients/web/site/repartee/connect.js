/** Opens calls. */

import { Call } from "./call.js";
import { HttpApi } from "./http_api.js";
import { openLine } from "./line.js";
import { SYSTEM_CLOCK, Timers } from "./timers.js";

/** @typedef {import("./call_audio.js").AudioPort} AudioPort */
/** @typedef {import("./http_requests.js").Token} Token */
/** @typedef {import("./protocol/session.js").Resumption} Resumption */

/**
 * Replacements for the browser, for tests.
 * @typedef {{WebSocket?: typeof WebSocket, fetch?: typeof fetch,
 *   clock?: import("./timers.js").Clock, window?: EventTarget | null}} Internals
 */

const RECONNECT_FOR_MS = 120_000;

/**
 * Opens a call, and returns it when the server is ready.
 *
 * The events of the call begin after this function has returned, so that no listener misses one.
 * When the connection is lost, the call reconnects by itself. Both sides then repeat what the other
 * side lacks. An audio port is started at once, so that the browser asks for the microphone while
 * the connection opens.
 *
 * Throws an `HttpProblem` (with the code `session_ended`, for example, or `daily_limit_reached`), a
 * `CallError`, the error of the token function, or the reason of `signal`.
 * @param {string} httpApiUrl the address of the HTTP API, absolute or relative to the page
 * @param {object} options
 * @param {Token} options.token the user's bearer token, or a function that returns the current one
 * @param {string} [options.conversation] `"new"` starts a conversation, an id continues that one,
 *   and without it the user's latest one continues
 * @param {string} [options.session] the id of a session to return to, from `call.resumption`
 * @param {Resumption} [options.resumeFrom] the position in its output, from `call.resumption`
 * @param {AudioPort | null} [options.audio] records the user and plays the replies
 * @param {number} [options.reconnectForMs] how long to try to reconnect
 * @param {AbortSignal} [options.signal] gives up the opening of the call
 * @param {Internals} [internals]
 * @returns {Promise<Call>}
 */
export async function connect(httpApiUrl, options, internals = {}) {
  const { token, conversation, session, resumeFrom, audio = null, signal } = options;
  const timers = new Timers(internals.clock ?? SYSTEM_CLOCK);
  const call = new Call({
    lines: new SessionLines({
      api: new HttpApi(httpApiUrl, token, { fetch: internals.fetch, timers }),
      SocketClass: internals.WebSocket ?? WebSocket,
      conversation,
      session,
    }),
    port: audio,
    timers,
    window: internals.window ?? globalThis.window ?? null,
    resumeFrom,
    reconnectForMs: options.reconnectForMs ?? RECONNECT_FOR_MS,
  });
  await call.open(signal);
  return call;
}

/** Opens the connections of one session, each with a new ticket. */
class SessionLines {
  /**
   * The features of the server beyond version 1 of the protocol.
   * @type {readonly string[]}
   */
  features = [];

  #api;
  #SocketClass;
  #conversation;
  #session;

  /**
   * @param {object} parts
   * @param {HttpApi} parts.api
   * @param {typeof WebSocket} parts.SocketClass
   * @param {string | undefined} parts.conversation
   * @param {string | undefined} parts.session
   */
  constructor({ api, SocketClass, conversation, session }) {
    this.#api = api;
    this.#SocketClass = SocketClass;
    this.#conversation = conversation;
    this.#session = session;
  }

  /** @param {AbortSignal} signal */
  async open(signal) {
    const wish = { conversation: this.#conversation, session: this.#session, signal };
    const ticket = await this.#api.createSession(wish);
    const line = await openLine(ticket.url, { SocketClass: this.#SocketClass, signal });
    this.#session = ticket.session_id;
    this.features = ticket.features ?? [];
    return line;
  }
}
