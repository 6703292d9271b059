/** The issuer's token endpoint, for a client without a secret. */

import { SignInError } from "./error.js";

/** @typedef {import("./error.js").SignInErrorCode} SignInErrorCode */
/** @typedef {import("./tokens.js").TokenAnswer} TokenAnswer */

const TIMEOUT_MS = 15_000;

/** Exchanges codes and refresh tokens. */
export class TokenEndpoint {
  #url;
  #clientId;
  #fetch;

  /**
   * @param {string} url
   * @param {string} clientId
   * @param {(url: string, init: RequestInit) => Promise<Response>} fetch
   */
  constructor(url, clientId, fetch) {
    this.#url = url;
    this.#clientId = clientId;
    this.#fetch = fetch;
  }

  /**
   * Throws a `SignInError`.
   * @param {SignInErrorCode} ofInvalidGrant the code if the issuer does not accept the grant
   * @param {Record<string, string>} fields
   * @returns {Promise<TokenAnswer>}
   */
  async request(ofInvalidGrant, fields) {
    let response, text;
    try {
      response = await this.#fetch(this.#url, {
        method: "POST",
        // A form needs no preflight, which some issuers refuse.
        body: new URLSearchParams({ ...fields, client_id: this.#clientId }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
      });
      text = await response.text();
    } catch {
      throw new SignInError("issuer_unreachable");
    }
    if (response.status >= 500 || response.status === 429) {
      throw new SignInError("issuer_unreachable", `HTTP ${response.status}`);
    }
    const answer = parsed(text);
    if (!response.ok) {
      const isGrant = answer?.error === "invalid_grant";
      throw isGrant
        ? new SignInError(ofInvalidGrant)
        : new SignInError("refused", shownCode(answer?.error));
    }
    if (answer === null) {
      throw new SignInError("bad_answer");
    }
    return answer;
  }
}

/**
 * Returns an error code of an issuer if it has the form of one; "" for any other text.
 * @param {unknown} error
 */
export function shownCode(error) {
  return typeof error === "string" && /^[a-z_]{1,40}$/.test(error) ? error : "";
}

/**
 * @param {string} text
 * @returns {(TokenAnswer & {error?: unknown}) | null}
 */
function parsed(text) {
  try {
    const answer = JSON.parse(text);
    return typeof answer === "object" ? answer : null;
  } catch {
    return null;
  }
}
