/** Errors of the client. None of them contains a token or a ticket. */

/**
 * The HTTP API refused a request, or did not answer.
 *
 * A token function may throw one with status 401: then nobody is signed in, and a running call
 * ends instead of trying again.
 */
export class HttpProblem extends Error {
  name = "HttpProblem";

  /**
   * @param {object} problem
   * @param {number} problem.status the HTTP status; 0 if no answer came
   * @param {string} [problem.code] the code of docs/protocol.md, "HTTP API"; `unreachable` if no
   *   answer came, `bad_answer` if it is not one of the API's, and empty if the server gave none
   * @param {string} problem.message what is wrong and what to do
   * @param {string} [problem.field] the field at fault; empty for the request as a whole
   * @param {number | null} [problem.retryAfterS] when to ask again; null if the server did not say
   * @param {DailyLimit | null} [problem.dailyLimit] see the property
   */
  constructor({ status, code = "", message, field = "", retryAfterS = null, dailyLimit = null }) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
    this.retryAfterS = retryAfterS;
    /** The daily limit that is used up, with the code `daily_limit_reached`; otherwise null. */
    this.dailyLimit = dailyLimit;
  }
}

/**
 * A daily limit of a user, as in the frame `limit_reached`. `kind` is `talk_seconds` or `cost`,
 * `limit` is in s or in USD, and `resets_at_ms` is Unix time.
 * @typedef {{kind: string, limit: number, resets_at_ms: number}} DailyLimit
 */

/**
 * The codes of a `CallError`:
 *
 * - `invalid_url`: an address is no valid URL, or it is not encrypted.
 * - `connection_refused`: the server gave a ticket, but no WebSocket connection opens.
 * - `connection_lost`: the connection was lost and did not come back in time.
 * - `access_refused`: the server refused the user while the call reconnected.
 * - `no_answer`: the server was not ready in time.
 * - `bad_server_message`: the server sent a text that is not a message of the protocol.
 * - `message_refused`: the server refused a message, and the call cannot continue.
 * - `call_over`: the call is over, so nothing can be sent.
 * @typedef {"invalid_url" | "connection_refused" | "connection_lost" | "access_refused"
 *   | "no_answer" | "bad_server_message" | "message_refused" | "call_over"} CallErrorCode
 */

/** A call cannot be opened or continued. */
export class CallError extends Error {
  name = "CallError";

  /**
   * @param {CallErrorCode} code
   * @param {string} message what is wrong and what to do
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}
