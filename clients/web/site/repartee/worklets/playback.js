/** Plays reply audio in the audio thread. */

import { PlaybackBuffer } from "../audio/playback/playback_buffer.js";

/**
 * What the page sends.
 * @typedef {{type: "write", samples: Int16Array}} Write
 * @typedef {{type: "flush", generation: number}} Flush
 * @typedef {{type: "duck", isDucked: boolean}} Duck
 * @typedef {{type: "end"}} End
 */

/** Often enough for a level display of 20 values a second. */
const REPORT_EVERY_S = 0.05;

class PlaybackProcessor extends AudioWorkletProcessor {
  #buffer = new PlaybackBuffer();
  #generation = 0;
  #peak = 0;
  #reportAtS = 0;
  #wasPlaying = false;
  #isEnded = false;

  /** @param {AudioWorkletNodeOptions} options */
  constructor(options) {
    super(options);
    this.port.onmessage = ({ data }) => this.#receive(data);
  }

  /**
   * @param {Float32Array[][]} _inputs
   * @param {Float32Array[][]} outputs
   */
  process(_inputs, [[output]]) {
    this.#buffer.render(output);
    for (const sample of output) {
      this.#peak = Math.max(this.#peak, Math.abs(sample));
    }
    const { isPlaying } = this.#buffer;
    if (currentTime >= this.#reportAtS || isPlaying !== this.#wasPlaying) {
      this.#report(output.length);
    }
    this.#wasPlaying = isPlaying;
    return !this.#isEnded;
  }

  /** @param {Write | Flush | Duck | End} message */
  #receive(message) {
    switch (message.type) {
      case "write":
        this.#buffer.write(message.samples);
        break;
      case "flush":
        this.#buffer.flush();
        this.#generation = message.generation;
        break;
      case "duck":
        this.#buffer.duck(message.isDucked);
        break;
      default:
        this.#isEnded = true;
    }
  }

  /** @param {number} blockLength */
  #report(blockLength) {
    this.#reportAtS = currentTime + REPORT_EVERY_S;
    this.port.postMessage({
      ...this.#buffer.progress,
      generation: this.#generation,
      atS: currentTime + blockLength / sampleRate,
      peak: this.#peak,
    });
    this.#peak = 0;
  }
}

registerProcessor("repartee-playback", PlaybackProcessor);
