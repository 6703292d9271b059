/** Sends requests to the HTTP API on behalf of one user. */

import { CallError, HttpProblem } from "./errors.js";
import { isAbort, Timers } from "./timers.js";

/**
 * The user's bearer token, or a function that returns the current one.
 *
 * The function is called before each request. If the server refuses its token, it is called once
 * more, with `isRefused` true.
 * @typedef {string | ((state: {isRefused: boolean}) => string | Promise<string>)} Token
 */

/** @typedef {import("./errors.js").DailyLimit} DailyLimit */

const TIMEOUT_MS = 30_000;
const VISIBLE = /^[!-~]+$/;
const ISOLATED = Object.freeze({
  cache: /** @type {const} */ ("no-store"),
  credentials: /** @type {const} */ ("omit"),
  // The API never redirects, and a token must not go to another host.
  redirect: /** @type {const} */ ("error"),
  referrerPolicy: /** @type {const} */ ("no-referrer"),
});

/** An HTTP client for one API and one user. */
export class HttpClient {
  #url;
  #token;
  #fetch;
  #timers;

  /**
   * @param {string} url the address of the HTTP API, absolute or relative to the page
   * @param {Token} token
   * @param {object} [internals] replacements for tests
   * @param {typeof fetch} [internals.fetch]
   * @param {Timers} [internals.timers]
   */
  constructor(url, token, internals = {}) {
    const address = checkedUrl(url, "https:", "http:");
    address.search = "";
    this.#url = address.href.replace(/\/+$/, "");
    this.#token = token;
    this.#fetch = internals.fetch ?? ((input, init) => fetch(input, init));
    this.#timers = internals.timers ?? new Timers();
  }

  /**
   * Sends one request and returns the JSON of its answer; null for an empty one.
   *
   * Throws an `HttpProblem`, the error of the token function, or the reason of `signal`.
   * @param {string} method
   * @param {string} path
   * @param {object} [options]
   * @param {Record<string, string | number | null | undefined>} [options.query] null and undefined
   *   are left out
   * @param {unknown} [options.body] is sent as JSON
   * @param {AbortSignal} [options.signal]
   * @returns {Promise<any>}
   */
  async request(method, path, { query = {}, body, signal } = {}) {
    const parameters = Object.entries(query).filter(([, value]) => value != null);
    const search = new URLSearchParams(parameters.map(([name, value]) => [name, String(value)]));
    const url = `${this.#url}${path}${parameters.length > 0 ? `?${search}` : ""}`;
    const token = await this.#currentToken(false);
    try {
      return await this.#send(method, url, token, body, signal);
    } catch (error) {
      const isRefused = error instanceof HttpProblem && error.status === 401;
      if (!isRefused || typeof this.#token === "string") {
        throw error;
      }
    }
    // The token expired between its check and its use.
    return this.#send(method, url, await this.#currentToken(true), body, signal);
  }

  /**
   * Waits between two requests.
   * @param {number} delayMs
   * @param {AbortSignal} [signal]
   */
  wait(delayMs, signal) {
    return this.#timers.wait(delayMs, signal);
  }

  /**
   * @param {string} method
   * @param {string} url
   * @param {string} token
   * @param {unknown} body
   * @param {AbortSignal | undefined} signal
   */
  async #send(method, url, token, body, signal) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", Authorization: `Bearer ${token}` };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
    }
    signal?.throwIfAborted();
    const sent = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
    try {
      return await this.#timers.within(TIMEOUT_MS, signal, async (within) => {
        const answer = await this.#fetch(url, { ...sent, ...ISOLATED, signal: within });
        return contentOf(answer, await answer.text(), url);
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof HttpProblem ? error : unreachable(url, isAbort(error));
    }
  }

  /** @param {boolean} isRefused */
  async #currentToken(isRefused) {
    const source = this.#token;
    const token = typeof source === "function" ? await source({ isRefused }) : source;
    if (typeof token !== "string" || !VISIBLE.test(token)) {
      throw new TypeError(
        "the token must be a text of visible ASCII characters: " +
          "check it for a space or a line break at its end",
      );
    }
    return token;
  }
}

/**
 * Returns a URL that is absolute and encrypted, or of this machine.
 *
 * Throws a `CallError` with the code `invalid_url`, whose message does not contain the query.
 * @param {string} url
 * @param {string} encrypted the scheme for every host
 * @param {string} plain the scheme that is accepted only for addresses of this machine
 */
export function checkedUrl(url, encrypted, plain) {
  const shown = String(url).split(/[?#]/)[0];
  let address;
  try {
    address = new URL(url, globalThis.location?.href);
  } catch {
    throw new CallError("invalid_url", `invalid URL ${shown}: it must begin with ${encrypted}//`);
  }
  if (![encrypted, plain].includes(address.protocol)) {
    throw new CallError("invalid_url", `invalid URL ${shown}: it must begin with ${encrypted}//`);
  }
  if (address.protocol === plain && !isLoopback(address.hostname)) {
    throw new CallError(
      "invalid_url",
      `${shown} is not encrypted: use ${encrypted}//; ` +
        `${plain}// is only for servers on this machine`,
    );
  }
  return address;
}

/** @param {string} host */
function isLoopback(host) {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(host);
}

/**
 * @param {Response} answer
 * @param {string} text
 * @param {string} url
 */
function contentOf(answer, text, url) {
  let content = null;
  try {
    content = text === "" ? null : JSON.parse(text);
  } catch {
    if (answer.ok) {
      throw new HttpProblem({
        status: answer.status,
        code: "bad_answer",
        message: `${shownUrl(url)} did not answer with JSON: is it the address of the HTTP API?`,
      });
    }
  }
  if (answer.ok) {
    return content;
  }
  const { code = "", message, field = "" } = content ?? {};
  const waitS = answer.headers.get("Retry-After") ?? "";
  throw new HttpProblem({
    status: answer.status,
    code: String(code),
    message: String(message ?? `${shownUrl(url)} answered with HTTP ${answer.status}`),
    field: String(field),
    retryAfterS: /^\d{1,6}$/.test(waitS) ? Number(waitS) : null,
    dailyLimit: code === "daily_limit_reached" ? dailyLimit(content) : null,
  });
}

/**
 * @param {Record<string, unknown>} problem
 * @returns {DailyLimit}
 */
function dailyLimit({ kind, limit, resets_at: resetsAt }) {
  return {
    kind: String(kind),
    limit: Number(limit),
    resets_at_ms: Date.parse(String(resetsAt)),
  };
}

/**
 * @param {string} url
 * @param {boolean} isTooLate
 */
function unreachable(url, isTooLate) {
  const cause = isTooLate
    ? `no answer in ${TIMEOUT_MS / 1_000} s`
    : "check the network, and whether the server allows the origin of this page (AllowedOrigins)";
  const message = `cannot reach ${shownUrl(url)}: ${cause}`;
  return new HttpProblem({ status: 0, code: "unreachable", message });
}

/** @param {string} url */
function shownUrl(url) {
  return url.split("?")[0];
}
