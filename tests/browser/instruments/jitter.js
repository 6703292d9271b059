// Delays each message of a WebSocket by up to `instruments.jitterMs`, in order, as a line does that
// repeats lost packets. Keeps the reply audio since the last pause, as base64: the agent may say
// that it looks something up, and speaks the answer later.
(() => {
  const instruments = (globalThis.instruments ??= {});
  const PAUSE_MS = 700;
  instruments.jitterMs = 0;
  instruments.replyAudio = [];

  globalThis.WebSocket = class extends WebSocket {
    #listener = null;
    #last = Promise.resolve();
    #audioAtMs = 0;

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
      if (type === "audio") {
        const nowMs = performance.now();
        if (nowMs - this.#audioAtMs > PAUSE_MS) instruments.replyAudio = [];
        this.#audioAtMs = nowMs;
        instruments.replyAudio.push(data);
      }
      this.#listener?.(event);
    }
  };
})();
