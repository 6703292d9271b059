/** Finds out that the browser has stopped the sound. */

/** A context that was resumed in a click, or changes its device, runs within this time. */
const RUNNING_WITHIN_MS = 1_000;

/** Reports that one of the audio contexts stays stopped, and that all of them run again. */
export class SoundState {
  #states;
  #onChange;
  #isStopped = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {() => string[]} states returns the states of the contexts
   * @param {(isStopped: boolean, states: string[]) => void} onChange
   */
  constructor(states, onChange) {
    this.#states = states;
    this.#onChange = onChange;
  }

  /** Notes that a context may have changed its state. */
  changed() {
    clearTimeout(this.#timer);
    const delayMs = this.#isRunning() ? 0 : RUNNING_WITHIN_MS;
    this.#timer = setTimeout(() => this.#check(), delayMs);
  }

  /** Reports nothing more. */
  end() {
    clearTimeout(this.#timer);
  }

  #isRunning() {
    return this.#states().every((state) => state === "running");
  }

  #check() {
    const isStopped = !this.#isRunning();
    if (isStopped !== this.#isStopped) {
      this.#isStopped = isStopped;
      this.#onChange(isStopped, this.#states());
    }
  }
}
