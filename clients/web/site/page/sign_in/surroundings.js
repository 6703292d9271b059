/** What the sign-in needs of the browser; tests replace it. */

/**
 * @typedef {object} Surroundings
 * @property {Pick<Location, "href" | "assign">} location
 * @property {Pick<History, "state" | "replaceState">} history
 * @property {() => Pick<Storage, "getItem" | "setItem" | "removeItem">} storage throws an error
 *   where the browser keeps no data
 * @property {Pick<Crypto, "getRandomValues"> & {subtle?: SubtleCrypto}} crypto without `subtle` on
 *   pages that are not secure
 * @property {(url: string, init: RequestInit) => Promise<Response>} fetch
 * @property {() => number} nowMs
 */

/** @returns {Surroundings} */
export function windowSurroundings() {
  return {
    location: window.location,
    history: window.history,
    storage: () => window.sessionStorage,
    crypto: window.crypto,
    fetch: (url, init) => window.fetch(url, init),
    nowMs: () => Date.now(),
  };
}
