/**
 * @template T
 * @typedef {object} Page
 * @property {T[]} items
 * @property {string | number | null} nextAfter the cursor of the next page, null on the last
 */

/**
 * A list that the API answers page by page, and the state of its loading.
 *
 * An answer that arrives after a later reload is ignored.
 * @template T
 */
export class PagedList {
  /** @type {T[]} */
  items = [];
  /** @type {"loading" | "ready" | "failed"} */
  status = "loading";
  /** @type {unknown} */
  error = null;

  #load;
  #onChange;
  /** @type {string | number | null} */
  #nextAfter = null;
  /** @type {string | number | undefined} */
  #requested = undefined;
  #generation = 0;

  /**
   * @param {(after: string | number | undefined) => Promise<Page<T>>} load
   * @param {() => void} [onChange] is called after each change of the list.
   */
  constructor(load, onChange = () => {}) {
    this.#load = load;
    this.#onChange = onChange;
  }

  /** Whether the API has more entries. */
  get hasMore() {
    return this.#nextAfter !== null;
  }

  /** Whether more than the first page is shown or is being loaded. */
  get isBeyondFirst() {
    return this.#requested !== undefined;
  }

  /** Loads the first page again; the entries stay until it arrives. */
  async reload() {
    await this.#fetch(undefined);
  }

  /** Loads the next page. */
  async loadMore() {
    if (this.#nextAfter !== null && this.status !== "loading") await this.#fetch(this.#nextAfter);
  }

  /** Repeats the request that failed. */
  async retry() {
    await this.#fetch(this.#requested);
  }

  /** Ignores the answers that are still to come. */
  close() {
    this.#generation += 1;
  }

  /**
   * Removes entries that were deleted.
   * @param {(item: T) => boolean} isGone
   */
  remove(isGone) {
    this.items = this.items.filter((item) => !isGone(item));
    this.#onChange();
  }

  /** @param {string | number | undefined} after */
  async #fetch(after) {
    this.#generation += 1;
    const generation = this.#generation;
    this.#requested = after;
    this.status = "loading";
    this.error = null;
    this.#onChange();
    try {
      const page = await this.#load(after);
      if (generation !== this.#generation) return;
      this.items = after === undefined ? page.items : [...this.items, ...page.items];
      this.#nextAfter = page.nextAfter;
      this.status = "ready";
    } catch (error) {
      if (generation !== this.#generation) return;
      this.error = error;
      this.status = "failed";
    }
    this.#onChange();
  }
}
