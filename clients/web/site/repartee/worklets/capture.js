/** Takes the microphone's samples in the audio thread, and passes frames of 16 kHz to the page. */

import { FrameCutter } from "../audio/capture/frame_cutter.js";
import { Resampler } from "../audio/capture/resampler.js";
import { INPUT_RATE_HZ } from "../pcm.js";

class CaptureProcessor extends AudioWorkletProcessor {
  #resampler = sampleRate === INPUT_RATE_HZ ? null : new Resampler(sampleRate, INPUT_RATE_HZ);
  #cutter = new FrameCutter();
  #isEnded = false;

  /** @param {AudioWorkletNodeOptions} options */
  constructor(options) {
    super(options);
    this.port.onmessage = () => {
      this.#isEnded = true;
    };
  }

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    // There is no channel while no microphone is connected.
    const samples = channels[0];
    if (samples && !this.#isEnded) {
      for (const frame of this.#cutter.push(this.#resampler?.push(samples) ?? samples)) {
        this.port.postMessage(frame, [frame.buffer]);
      }
    }
    return !this.#isEnded;
  }
}

registerProcessor("repartee-capture", CaptureProcessor);
