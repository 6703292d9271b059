// Keeps the messages of each WebSocket with the time and the playing audio frame of each.
(() => {
  const instruments = (globalThis.instruments ??= {});
  instruments.frames = [];
  const keep = (direction, text) => {
    const frame = JSON.parse(text);
    const audio = frame.type === "audio" ? frame.data : undefined;
    if (audio !== undefined) frame.data = audio.length;
    instruments.frames.push({
      direction,
      at_ms: performance.now(),
      played_frame: instruments.playedFrame?.() ?? null,
      frame,
    });
  };

  globalThis.WebSocket = class extends WebSocket {
    constructor(...rest) {
      super(...rest);
      this.addEventListener("message", ({ data }) => keep("received", data));
    }

    send(text) {
      keep("sent", text);
      super.send(text);
    }
  };
})();
