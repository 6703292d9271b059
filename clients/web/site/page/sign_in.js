/**
 * Signs the user in: OpenID Connect's authorization code flow with PKCE, for a page that keeps no
 * secret on a server.
 *
 * The tokens are in `sessionStorage`: a reload keeps them, other tabs do not see them, and they end
 * with the tab. `localStorage` would keep a refresh token on disk after the user has left, and a
 * script that runs in the page once could read it days later. Memory alone would send the user to
 * the issuer after each reload, which would end a call.
 *
 * A token's life is counted from the moment of its arrival, so a wrong clock does no harm.
 */

import { cleanAddress, pageAddress, withQuery } from "./sign_in/addresses.js";
import { SignInError } from "./sign_in/error.js";
import { windowSurroundings } from "./sign_in/surroundings.js";
import { TabStorage } from "./sign_in/tab_storage.js";
import { shownCode, TokenEndpoint } from "./sign_in/token_endpoint.js";
import { challengeOf, claimsOf, randomText, tokenFor, userName } from "./sign_in/tokens.js";

export { SignInError } from "./sign_in/error.js";

/**
 * The member `sign_in` of `GET /settings`. Without `audience`, tokens are for the client.
 * @typedef {{authorize_url: string, token_url: string, sign_out_url: string | null,
 *   client_id: string, audience: string | null, scope: string}} SignInSettings
 */

/** @typedef {import("./sign_in/surroundings.js").Surroundings} Surroundings */
/** @typedef {import("./sign_in/tokens.js").TokenAnswer} TokenAnswer */
/** @typedef {import("./sign_in/tab_storage.js").Tokens} Tokens */

const REFRESH_BEFORE_MS = 60_000;

/** The sign-in of one tab. */
export class SignIn {
  #settings;
  #surroundings;
  #endpoint;
  #kept;
  /** @type {Promise<string> | null} */
  #refreshing = null;

  /**
   * @param {SignInSettings} settings
   * @param {Surroundings} [surroundings]
   */
  constructor(settings, surroundings = windowSurroundings()) {
    this.#settings = settings;
    this.#surroundings = surroundings;
    const { token_url: url, client_id: clientId } = settings;
    this.#endpoint = new TokenEndpoint(url, clientId, surroundings.fetch);
    this.#kept = new TabStorage(surroundings.storage, clientId);
  }

  /** Whether the tab has tokens, which may need a refresh. */
  get isSignedIn() {
    return this.#kept.tokens !== null;
  }

  /** The user's e-mail address, name or id; null if nobody is signed in. */
  get user() {
    return this.#kept.tokens?.user ?? null;
  }

  /**
   * Leaves the page for the issuer's sign-in page, which returns to it. Then `complete` continues.
   *
   * Throws a `SignInError` with the code `insecure_page` or `storage_blocked`.
   * @param {object} [options]
   * @param {boolean} [options.another] ask for a user, although one is signed in at the issuer
   */
  async begin({ another = false } = {}) {
    const { location, crypto } = this.#surroundings;
    if (crypto.subtle === undefined) {
      throw new SignInError("insecure_page");
    }
    const attempt = {
      state: randomText(crypto),
      verifier: randomText(crypto),
      nonce: randomText(crypto),
      redirectUri: pageAddress(location.href),
      returnTo: cleanAddress(location.href),
    };
    const { authorize_url: url, client_id: clientId, scope, audience } = this.#settings;
    const address = withQuery(url, {
      response_type: "code",
      client_id: clientId,
      redirect_uri: attempt.redirectUri,
      scope,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await challengeOf(attempt.verifier, crypto.subtle),
      code_challenge_method: "S256",
      // Auth0 gives tokens for an API only if it is named. Other issuers ignore this.
      audience: audience === null || audience === clientId ? "" : audience,
      prompt: another ? "login" : "",
    });
    this.#kept.attempt = attempt;
    location.assign(address);
  }

  /**
   * Takes the issuer's answer out of the page's address, and exchanges its code for tokens.
   *
   * The page calls it when it starts. The address is clean when the promise settles.
   * @returns {Promise<boolean>} whether the user signed in now; false without an answer
   */
  async complete() {
    const { location, history } = this.#surroundings;
    const answer = new URL(location.href).searchParams;
    if (!answer.has("state") || !(answer.has("code") || answer.has("error"))) {
      return false;
    }
    const attempt = this.#kept.attempt;
    const isOurs = attempt !== null && answer.get("state") === attempt.state;
    // Neither the history nor a bookmark keeps the code.
    const address = isOurs ? attempt.returnTo : cleanAddress(location.href);
    history.replaceState(history.state, "", address);
    if (!isOurs) {
      throw new SignInError("state_mismatch");
    }
    this.#kept.attempt = null;
    const error = answer.get("error");
    if (error !== null) {
      const code = error === "access_denied" ? "access_denied" : "refused";
      throw new SignInError(code, code === "refused" ? shownCode(error) : "");
    }
    const tokens = await this.#endpoint.request("code_expired", {
      grant_type: "authorization_code",
      code: answer.get("code") ?? "",
      redirect_uri: attempt.redirectUri,
      code_verifier: attempt.verifier,
    });
    const identity = claimsOf(tokens.id_token);
    if (identity?.nonce !== attempt.nonce) {
      throw new SignInError(identity === null ? "bad_answer" : "state_mismatch");
    }
    this.#keep(tokens);
    return true;
  }

  /**
   * Returns a token for the HTTP API, a new one if the current one ends soon. Fits `connect`.
   *
   * Throws a `SignInError`. With the codes `signed_out` and `session_ended`, nobody is signed in.
   * @param {object} [options]
   * @param {boolean} [options.isRefused] the HTTP API refused the current token
   * @returns {Promise<string>}
   */
  async token({ isRefused = false } = {}) {
    const tokens = this.#kept.tokens;
    if (tokens === null) {
      throw new SignInError("signed_out");
    }
    const ageMs = this.#surroundings.nowMs() - tokens.receivedAtMs;
    // The age is negative after the clock was set back.
    const isUsable = !isRefused && ageMs >= 0 && ageMs < tokens.lifeMs;
    const refreshAtMs = tokens.lifeMs - Math.min(REFRESH_BEFORE_MS, tokens.lifeMs / 2);
    if (isUsable && (ageMs < refreshAtMs || tokens.refreshToken === null)) {
      return tokens.token;
    }
    this.#refreshing ??= this.#refresh(tokens).finally(() => {
      this.#refreshing = null;
    });
    try {
      return await this.#refreshing;
    } catch (error) {
      // The issuer may answer before the token ends.
      const isLater = error instanceof SignInError && error.code === "issuer_unreachable";
      if (isLater && isUsable) {
        return tokens.token;
      }
      throw error;
    }
  }

  /** Forgets the tokens, and leaves the page for the issuer's sign-out page if there is one. */
  signOut() {
    this.#kept.tokens = null;
    const { sign_out_url: url, client_id: clientId } = this.#settings;
    if (url) {
      const { location } = this.#surroundings;
      const page = pageAddress(location.href);
      // Cognito reads the first address, OpenID Connect defines the second.
      const query = { client_id: clientId, logout_uri: page, post_logout_redirect_uri: page };
      location.assign(withQuery(url, query));
    }
  }

  /** @param {Tokens} tokens */
  async #refresh(tokens) {
    const { refreshToken } = tokens;
    const isSame = () => this.#kept.tokens?.refreshToken === refreshToken;
    try {
      if (refreshToken === null) {
        throw new SignInError("session_ended");
      }
      const fields = { grant_type: "refresh_token", refresh_token: refreshToken };
      const answer = await this.#endpoint.request("session_ended", fields);
      // The user may have signed out meanwhile.
      if (!isSame()) {
        throw new SignInError("signed_out");
      }
      return this.#keep(answer, tokens);
    } catch (error) {
      if (isSame() && error instanceof SignInError && error.code !== "issuer_unreachable") {
        this.#kept.tokens = null;
      }
      throw error;
    }
  }

  /**
   * @param {TokenAnswer} answer
   * @param {Tokens} [before] what a refresh may leave out
   */
  #keep(answer, before) {
    const { audience, client_id: clientId } = this.#settings;
    const found = tokenFor(answer, audience || clientId);
    if (found === null) {
      throw new SignInError("wrong_audience");
    }
    const refreshToken = answer.refresh_token ?? before?.refreshToken;
    this.#kept.tokens = {
      ...found,
      refreshToken: typeof refreshToken === "string" ? refreshToken : null,
      user: userName(claimsOf(answer.id_token)) ?? before?.user ?? null,
      receivedAtMs: this.#surroundings.nowMs(),
    };
    return found.token;
  }
}
