/** The body of a fake answer takes some turns to read. */
const TURNS_OF_THE_EVENT_LOOP = 8;

/** A clock that tests move by hand. */
export class FakeClock {
  #nowMs = 0;
  #timers = new Set();
  /** Whether timers fire only by `Timers.runDue`, as in a hidden tab. */
  isHidden = false;

  nowMs() {
    return this.#nowMs;
  }

  random() {
    return 0.5;
  }

  setTimeout(callback, delayMs) {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer) {
    this.#timers.delete(timer);
  }

  /** Moves the time on, and lets each timer and its consequences happen at its own time. */
  async advance(ms) {
    const endMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.atMs <= endMs);
      const next = due.sort((one, other) => one.atMs - other.atMs)[0];
      if (next === undefined || this.isHidden) {
        break;
      }
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await settled();
    }
    this.#nowMs = endMs;
    await settled();
  }
}

/** Lets everything happen that waits for no timer. */
export async function settled() {
  for (let turn = 0; turn < TURNS_OF_THE_EVENT_LOOP; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
