/** Keeps the screen on during a call: a phone with a dark screen ends the recording. */

/** Holds the browser's lock, and takes it again when the page is visible again. */
export class WakeLock {
  /** @type {WakeLockSentinel | null} */
  #lock = null;
  #isWanted = false;

  /** Keeps the screen on, where the browser can. */
  async hold() {
    if (!this.#isWanted) {
      this.#isWanted = true;
      document.addEventListener("visibilitychange", this.#request);
    }
    await this.#request();
  }

  /** Lets the screen turn off. */
  async release() {
    this.#isWanted = false;
    document.removeEventListener("visibilitychange", this.#request);
    const lock = this.#lock;
    this.#lock = null;
    await lock?.release();
  }

  #request = async () => {
    if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) {
      return;
    }
    try {
      const lock = await navigator.wakeLock.request("screen");
      await this.#lock?.release();
      this.#lock = lock;
      if (!this.#isWanted) {
        await this.release();
      }
    } catch {
      // A low battery refuses the lock; the call goes on without it.
    }
  };
}
