// Delays each message of a WebSocket by up to `instruments.jitterMs`, in order, as a line does that
// repeats lost packets.
(() => {
  const instruments = (globalThis.instruments ??= {});
  instruments.jitterMs = 0;

  globalThis.WebSocket = class extends WebSocket {
    #listener = null;
    #last = Promise.resolve();

    constructor(...rest) {
      super(...rest);
      super.addEventListener("message", (event) => {
        const delay = new Promise((done) => setTimeout(done, Math.random() * instruments.jitterMs));
        this.#last = Promise.all([this.#last, delay]).then(() => this.#listener?.(event));
      });
    }

    set onmessage(listener) {
      this.#listener = listener;
    }
  };
})();
