/** Records a track of the microphone as frames of 16 kHz, in a separate audio context. */

import { INPUT_RATE_HZ } from "../../pcm.js";
import { nameOf } from "../problems.js";

const WORKLET_URL = new URL("../../worklets/capture.js", import.meta.url).href;

/** Owns the context of the capture. It records one track at a time. */
export class Recorder {
  #onFrame;
  #onStateChange;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #node = null;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;

  /**
   * @param {(frame: Int16Array) => void} onFrame receives each 20 ms
   * @param {() => void} onStateChange
   */
  constructor(onFrame, onStateChange) {
    this.#onFrame = onFrame;
    this.#onStateChange = onStateChange;
  }

  /** The state of the context; Safari also has `interrupted`. */
  get state() {
    return this.#context?.state ?? "closed";
  }

  /** The rate of the context, which is 16 kHz if the browser can resample the microphone. */
  get rateHz() {
    return this.#context?.sampleRate ?? 0;
  }

  /** Makes and resumes the context; iOS needs this inside a click, before any `await`. */
  unlock() {
    this.#context ??= this.#makeContext(INPUT_RATE_HZ);
    // Without a device the promise never settles, so nothing may wait for it.
    this.#context.resume().catch(() => undefined);
  }

  /**
   * Records `track` instead of the one before.
   * @param {MediaStreamTrack} track
   */
  async record(track) {
    try {
      await this.#connect(track);
    } catch (error) {
      if (nameOf(error) !== "NotSupportedError") {
        throw error;
      }
      // Some browsers give a microphone only to contexts with the microphone's rate.
      await this.end();
      this.#context = this.#makeContext();
      this.unlock();
      await this.#connect(track);
    }
  }

  /** Records nothing from now on. */
  disconnect() {
    this.#source?.disconnect();
    this.#source = null;
  }

  /** Closes the context. */
  async end() {
    const context = this.#context;
    this.disconnect();
    this.#context = null;
    this.#node?.port.postMessage("end");
    this.#node = null;
    context?.removeEventListener("statechange", this.#onStateChange);
    await context?.close();
  }

  /** @param {MediaStreamTrack} track */
  async #connect(track) {
    const context = this.#context;
    if (!context) {
      return;
    }
    const source = context.createMediaStreamSource(new MediaStream([track]));
    if (!this.#node) {
      await context.audioWorklet.addModule(WORKLET_URL);
      this.#node = new AudioWorkletNode(context, "repartee-capture", {
        numberOfOutputs: 0,
        channelCount: 1,
        channelCountMode: "explicit",
      });
      this.#node.port.onmessage = ({ data }) => this.#onFrame(data);
    }
    this.disconnect();
    source.connect(this.#node);
    this.#source = source;
  }

  /**
   * @param {number} [rateHz] without it the device's own rate
   * @returns {AudioContext}
   */
  #makeContext(rateHz) {
    try {
      const context = new AudioContext({ sampleRate: rateHz, latencyHint: "interactive" });
      context.addEventListener("statechange", this.#onStateChange);
      return context;
    } catch (error) {
      if (rateHz !== undefined && nameOf(error) === "NotSupportedError") {
        return this.#makeContext();
      }
      throw error;
    }
  }
}
