// Sends its input to the page as PCM16, with the number of the first frame of each chunk.
const FRAMES = 128 * 8;

class Recorder extends AudioWorkletProcessor {
  #samples = new Int16Array(FRAMES);
  #count = 0;
  #frame = null;

  process([input]) {
    this.#frame ??= currentFrame;
    const [channel] = input;
    for (let index = 0; index < 128; index += 1) {
      this.#samples[this.#count + index] = channel
        ? Math.max(-32_768, Math.min(32_767, Math.round(channel[index] * 32_768)))
        : 0;
    }
    this.#count += 128;
    if (this.#count === FRAMES) {
      this.port.postMessage({ frame: this.#frame, samples: this.#samples });
      this.#samples = new Int16Array(FRAMES);
      this.#count = 0;
      this.#frame = null;
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
