/** What the sign-in keeps in `sessionStorage`, separately for each client id. */

import { SignInError } from "./error.js";

/**
 * A sign-in that left the page and has not come back.
 * @typedef {{state: string, verifier: string, nonce: string, redirectUri: string,
 *   returnTo: string}} Attempt
 */

/**
 * The tokens, and when they arrived by the clock of the device.
 * @typedef {{token: string, refreshToken: string | null, user: string | null, receivedAtMs: number,
 *   lifeMs: number}} Tokens
 */

/** The stored values; null if there is none. */
export class TabStorage {
  #storage;
  #prefix;

  /**
   * @param {() => Pick<Storage, "getItem" | "setItem" | "removeItem">} storage
   * @param {string} clientId
   */
  constructor(storage, clientId) {
    this.#storage = storage;
    this.#prefix = `repartee.sign_in.${clientId}`;
  }

  /** @returns {Attempt | null} */
  get attempt() {
    return this.#read("attempt");
  }

  set attempt(attempt) {
    this.#write("attempt", attempt);
  }

  /** @returns {Tokens | null} */
  get tokens() {
    return this.#read("tokens");
  }

  set tokens(tokens) {
    this.#write("tokens", tokens);
  }

  /** @param {string} name */
  #read(name) {
    try {
      return JSON.parse(this.#storage().getItem(`${this.#prefix}.${name}`) ?? "null");
    } catch {
      return null;
    }
  }

  /**
   * @param {string} name
   * @param {Attempt | Tokens | null} value
   */
  #write(name, value) {
    try {
      if (value === null) {
        this.#storage().removeItem(`${this.#prefix}.${name}`);
      } else {
        this.#storage().setItem(`${this.#prefix}.${name}`, JSON.stringify(value));
      }
    } catch {
      throw new SignInError("storage_blocked");
    }
  }
}
