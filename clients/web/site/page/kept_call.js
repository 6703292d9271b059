/** What a reloaded page needs to go on with its call, in the storage of its tab. */

const KEY = "repartee.call";

/**
 * @typedef {NonNullable<import("../repartee.js").Call["resumption"]>
 *   & {mode: "voice" | "typed", startedAtMs: number,
 *   turns: import("./state/turns.js").Turn[]}} Kept
 */

export class KeptCall {
  #storage;

  /** @param {Pick<Storage, "getItem" | "setItem" | "removeItem"> | null} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /**
   * The call that was kept; null if there is none.
   * @returns {Kept | null}
   */
  get call() {
    try {
      return JSON.parse(this.#storage?.getItem(KEY) ?? "null");
    } catch {
      return null;
    }
  }

  /**
   * @param {Kept} call
   * @returns {boolean} false if the storage has no room for it
   */
  keep(call) {
    try {
      this.#storage?.setItem(KEY, JSON.stringify(call));
      return true;
    } catch {
      return false;
    }
  }

  forget() {
    this.#storage?.removeItem(KEY);
  }
}
