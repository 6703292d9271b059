// Delays each message of a WebSocket by up to `instruments.jitterMs`, in order, as a line does that
// repeats lost packets. Keeps the reply audio since the last tool, as base64.
(() => {
  const instruments = (globalThis.instruments ??= {});
  instruments.jitterMs = 0;
  instruments.replyAudio = [];

  globalThis.WebSocket = class extends WebSocket {
    #listener = null;
    #last = Promise.resolve();

    constructor(...rest) {
      super(...rest);
      super.addEventListener("message", (event) => {
        const delay = new Promise((done) => setTimeout(done, Math.random() * instruments.jitterMs));
        this.#last = Promise.all([this.#last, delay]).then(() => this.#pass(event));
      });
    }

    set onmessage(listener) {
      this.#listener = listener;
    }

    #pass(event) {
      const { type, data } = JSON.parse(event.data);
      if (type === "tool") instruments.replyAudio = [];
      if (type === "audio") instruments.replyAudio.push(data);
      this.#listener?.(event);
    }
  };
})();
