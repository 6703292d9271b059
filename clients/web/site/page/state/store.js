/**
 * Holds the state of the page and informs its listeners of changes.
 * @template State
 * @template Event
 */
export class Store {
  #reduce;
  #state;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /**
   * @param {(state: State, event: Event) => State} reduce returns the next state; it has no effects
   * @param {State} initial
   */
  constructor(reduce, initial) {
    this.#reduce = reduce;
    this.#state = initial;
  }

  get state() {
    return this.#state;
  }

  /** @param {Event} event */
  dispatch(event) {
    const next = this.#reduce(this.#state, event);
    if (next === this.#state) return;
    this.#state = next;
    for (const listener of [...this.#listeners]) listener();
  }

  /**
   * @param {() => void} listener called after each change
   * @returns {() => void} ends the subscription
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
