/** Plays reply audio through an audio worklet. */

import { OUTPUT_RATE_HZ, toSamples } from "../../pcm.js";

import { PlaybackClock } from "./playback_clock.js";

/** @typedef {import("./playback_buffer.js").Progress} Progress */
/** @typedef {Progress & {generation: number, atS: number, peak: number}} Report */
/** @typedef {AudioContext & {setSinkId?: (id: string) => Promise<void>}} SinkContext */

const WORKLET_URL = new URL("../../worklets/playback.js", import.meta.url).href;
/** iOS plays nothing from a context that has not played in a click, not even silence. */
const PRIMING_SAMPLES = OUTPUT_RATE_HZ / 10;

/** The loudspeaker. Audio may be passed to it before `start` has finished. */
export class Speaker {
  #onReport;
  #onStateChange;
  /** @type {SinkContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #node = null;
  /** @type {HTMLAudioElement | null} */
  #element = null;
  /** @type {object[]} Messages from before the worklet runs. */
  #early = [];
  #clock = new PlaybackClock();
  #generation = 0;
  #underruns = 0;

  /**
   * @param {object} listener
   * @param {(peak: number) => void} listener.onReport called every 50 ms with the output's peak
   * @param {() => void} listener.onStateChange
   */
  constructor({ onReport, onStateChange }) {
    this.#onReport = onReport;
    this.#onStateChange = onStateChange;
  }

  /** The state of the context; Safari also has `interrupted`. */
  get state() {
    return this.#context?.state ?? "closed";
  }

  /** Makes and resumes the context; iOS needs this inside a click, before any `await`. */
  unlock() {
    if (!this.#context) {
      this.#context = new AudioContext({
        sampleRate: OUTPUT_RATE_HZ,
        latencyHint: "interactive",
      });
      this.#context.addEventListener("statechange", this.#onStateChange);
    }
    // Without a device the promise never settles, so nothing may wait for it.
    this.#context.resume().catch(() => undefined);
    const silence = this.#context.createBufferSource();
    silence.buffer = this.#context.createBuffer(1, PRIMING_SAMPLES, OUTPUT_RATE_HZ);
    silence.connect(this.#context.destination);
    silence.start();
  }

  /** Loads the worklet. */
  async start() {
    const context = this.#context;
    if (!context) {
      return;
    }
    await context.audioWorklet.addModule(WORKLET_URL);
    this.#node = new AudioWorkletNode(context, "repartee-playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    this.#node.port.onmessage = ({ data }) => this.#receive(data);
    this.#node.connect(context.destination);
    this.#early.splice(0).forEach((message) => this.#post(message));
  }

  /** @param {Uint8Array} pcm PCM16 little-endian mono, 24 kHz */
  play(pcm) {
    if (!this.#context) {
      return;
    }
    const samples = toSamples(pcm);
    this.#clock.wrote(samples.length);
    this.#post({ type: "write", samples }, [samples.buffer]);
  }

  /** Drops the queue; what is playing fades out within 5 ms. */
  stop() {
    this.#generation += 1;
    this.#clock.flushed();
    this.#post({ type: "flush", generation: this.#generation });
  }

  /** @param {boolean} isDucked whether the reply plays at 30 % of its loudness */
  duck(isDucked) {
    this.#post({ type: "duck", isDucked });
  }

  /**
   * Returns the length of the audio that the user has not heard yet.
   * @returns {number}
   */
  unplayedMs() {
    const context = this.#context;
    return context ? this.#clock.unplayedMs(context.currentTime, latencyOf(context)) : 0;
  }

  /**
   * Plays on another speaker, where the browser can.
   * @param {string} id "" for the default
   */
  async setDevice(id) {
    const context = this.#context;
    if (context?.setSinkId) {
      await context.setSinkId(id);
    } else if (context && this.#node && "setSinkId" in HTMLMediaElement.prototype) {
      // Firefox chooses the speaker of an element, not of a context.
      this.#element ??= connectElement(context, this.#node);
      await this.#element.setSinkId(id);
      await this.#element.play();
    }
  }

  diagnostics() {
    return {
      outputRateHz: this.#context?.sampleRate ?? 0,
      outputLatencyMs: this.#context ? Math.round(latencyOf(this.#context) * 1_000) : 0,
      outputState: this.state,
      underruns: this.#underruns,
    };
  }

  /** Stops playing and releases the device. */
  async end() {
    const context = this.#context;
    this.#context = null;
    this.#post({ type: "end" });
    this.#clock.flushed();
    this.#element?.pause();
    context?.removeEventListener("statechange", this.#onStateChange);
    await context?.close();
  }

  /**
   * @param {object} message
   * @param {Transferable[]} transfer
   */
  #post(message, transfer = []) {
    if (this.#node) {
      this.#node.port.postMessage(message, transfer);
    } else {
      this.#early.push(message);
    }
  }

  /** @param {Report} report */
  #receive(report) {
    this.#underruns = report.underruns;
    if (report.generation === this.#generation) {
      this.#clock.reported(report, report.atS);
    }
    this.#onReport(report.peak);
  }
}

/** @param {AudioContext} context */
function latencyOf(context) {
  return context.outputLatency || context.baseLatency || 0;
}

/**
 * Plays a node through an element instead of the context's own output.
 * @param {AudioContext} context
 * @param {AudioNode} node
 */
function connectElement(context, node) {
  const destination = context.createMediaStreamDestination();
  node.disconnect();
  node.connect(destination);
  const element = new Audio();
  element.srcObject = destination.stream;
  return element;
}
