/** The microphone and the speaker of a browser, as the audio port of a call. */

import { Microphone } from "./capture/microphone.js";
import { MicrophoneGate } from "./capture/microphone_gate.js";
import { SilenceWatch } from "./capture/silence_watch.js";
import { loadSpeechDetector } from "./capture/speech_detector.js";
import { listDevices } from "./devices.js";
import { Heartbeat } from "./heartbeat.js";
import { peakOf, rmsOf } from "./levels.js";
import { toBytes } from "../pcm.js";
import { Speaker } from "./playback/speaker.js";
import { microphoneProblem, missingSupport, nameOf } from "./problems.js";
import { SoundState } from "./sound_state.js";

/** @typedef {import("../call_audio.js").AudioListener} AudioListener */
/** @typedef {import("../call_audio.js").TalkMode} TalkMode */
/** @typedef {import("./problems.js").ProblemCode} ProblemCode */

/**
 * @typedef {object} BrowserAudioOptions
 * @property {boolean} [processing] whether the browser removes echo and noise; tests turn it off
 * @property {boolean} [detector] whether speech is found here, and only speech is sent
 * @property {boolean} [halfDuplex] whether the microphone waits while a reply plays
 * @property {TalkMode} [talkMode]
 * @property {string} [inputDevice] "" for the default
 * @property {string} [outputDevice] "" for the default
 */

/** A room echoes a reply for about this long. */
const ECHO_MS = 300;

/**
 * Records and plays. Make it and call `unlock` inside the user's click, before any `await`: iOS
 * allows sound only then.
 */
export class BrowserAudio {
  #options;
  #isSupported = missingSupport() === null;
  /** @type {AudioListener | null} */
  #listener = null;
  #microphone;
  #speaker;
  #gate;
  #watch = new SilenceWatch((isSilent) =>
    this.#report(isSilent ? "microphone_silent" : "microphone_heard"),
  );
  #heartbeat = new Heartbeat((levels) => {
    this.#listener?.onLevels(levels);
    this.#listener?.onTick();
  });
  /** @type {Promise<import("./capture/microphone_gate.js").Detector> | null} */
  #detector = null;
  /** @type {"off" | "loading" | "on" | "unavailable"} */
  #detectorState = "off";
  #talkMode;
  #isMuted = false;
  #halfDuplex;
  #echoUntilMs = 0;
  #isEnded = false;
  #state = new SoundState(
    () => [this.#speaker.state, this.#microphone.isOpen ? this.#microphone.state : "running"],
    (isStopped, states) =>
      this.#report(isStopped ? "tap_to_continue" : "sound_running", states.join()),
  );

  /** @param {BrowserAudioOptions} [options] */
  constructor(options = {}) {
    this.#options = options;
    this.#detectorState = (options.detector ?? true) ? "loading" : "off";
    this.#talkMode = options.talkMode ?? "hands-free";
    this.#halfDuplex = options.halfDuplex ?? false;
    this.#gate = new MicrophoneGate({
      speechStart: () => this.#listener?.onSpeechStart(),
      audio: (frame) => this.#listener?.onAudio(toBytes(frame)),
      speechEnd: () => this.#listener?.onSpeechEnd(),
    });
    this.#gate.setMode(this.#talkMode);
    const onStateChange = () => this.#state.changed();
    this.#speaker = new Speaker({
      onReport: (peak) => this.#heartbeat.played(peak, performance.now()),
      onStateChange,
    });
    this.#microphone = new Microphone(
      {
        onFrame: (frame) => this.#onFrame(frame),
        onLost: (reason) => this.#onMissing("microphone_lost", reason),
        onRefused: (error) => this.#onMissing(microphoneProblem(error), nameOf(error)),
        onStateChange,
      },
      options.processing ?? true,
    );
  }

  /** Whether everything that is sent now lies between marks, see `marks_speech` in the protocol. */
  get marksSpeech() {
    return this.#talkMode === "push-to-talk" || ["loading", "on"].includes(this.#detectorState);
  }

  /** Lets the browser play sound. Call this inside a click: first, and after `tap_to_continue`. */
  unlock() {
    if (!this.#isSupported || this.#isEnded) {
      return;
    }
    if ("audioSession" in navigator) {
      // iOS otherwise plays through the earpiece, quietly, while the microphone is open.
      Object.assign(/** @type {object} */ (navigator.audioSession), { type: "play-and-record" });
    }
    this.#speaker.unlock();
    this.#microphone.unlock();
  }

  /**
   * Asks for the microphone, and records. Without a microphone the call goes on: replies are
   * played, and `onProblem` says why nothing is heard.
   * Throws an error if a file of this module cannot be loaded.
   * @param {AudioListener} listener
   */
  async start(listener) {
    this.#listener = listener;
    const problem = missingSupport();
    if (problem) {
      this.#report(problem);
      return;
    }
    this.unlock();
    const { inputDevice = "", outputDevice = "" } = this.#options;
    try {
      await Promise.all([
        this.#startSpeaker(outputDevice),
        this.setDetector(this.#detectorState === "loading"),
        this.#microphone.start(inputDevice),
      ]);
    } catch (error) {
      // An audio context that closes also refuses the worklet that it is loading.
      if (!this.#isEnded) {
        throw error;
      }
    }
    if (this.#isEnded) {
      return;
    }
    // With a permitted microphone browsers other than Safari allow sound without a click.
    this.unlock();
    this.#state.changed();
  }

  /** @param {Uint8Array} pcm PCM16 little-endian mono, 24 kHz */
  play(pcm) {
    this.#speaker.play(pcm);
  }

  /** Stops playing within 5 ms, and drops the queue. */
  stop() {
    this.#speaker.stop();
  }

  /**
   * Returns the length of the audio that the user has not heard yet.
   * @returns {number}
   */
  unplayedMs() {
    return this.#speaker.unplayedMs();
  }

  /** @param {boolean} isDucked whether replies play at 30 %: the user may be interrupting */
  duck(isDucked) {
    this.#speaker.duck(isDucked);
  }

  /** @param {boolean} isMuted */
  setMuted(isMuted) {
    this.#isMuted = isMuted;
    this.#gate.setMuted(isMuted);
  }

  /** @param {TalkMode} mode */
  setTalkMode(mode) {
    this.#talkMode = mode;
    this.#gate.setMode(mode);
  }

  /** The user begins to speak, in push-to-talk. */
  press() {
    if (this.#microphone.isOpen) {
      this.#gate.press();
    }
  }

  /** The user has finished, in push-to-talk. */
  release() {
    this.#gate.release();
  }

  /**
   * Sends only speech from now on, or everything. A detector that cannot be loaded is left out.
   * @param {boolean} isOn
   */
  async setDetector(isOn) {
    this.#detectorState = isOn ? "loading" : "off";
    this.#gate.setDetector(null);
    if (!isOn) {
      return;
    }
    try {
      this.#detector ??= loadSpeechDetector();
      const detector = await this.#detector;
      if (this.#detectorState === "loading") {
        this.#gate.setDetector(detector);
        this.#detectorState = "on";
      }
    } catch {
      this.#detector = null;
      this.#detectorState = "unavailable";
    }
  }

  /** @param {boolean} isOn whether the microphone waits while a reply plays */
  setHalfDuplex(isOn) {
    this.#halfDuplex = isOn;
  }

  /**
   * Records another microphone; also a way to ask again after `permission_denied`.
   * @param {string} id "" for the default
   */
  async setInputDevice(id) {
    this.#gate.reset();
    this.#watch.restart(false);
    await this.#microphone.setDevice(id);
  }

  /**
   * Plays on another speaker, where the browser can.
   * @param {string} id "" for the default
   */
  async setOutputDevice(id) {
    try {
      await this.#speaker.setDevice(id);
    } catch {
      // The speaker is gone; the browser keeps to the one before.
    }
  }

  /** Returns the devices; their labels are known once the microphone is permitted. */
  async devices() {
    return await listDevices();
  }

  /** Returns facts for a report about bad sound. */
  diagnostics() {
    return {
      ...this.#microphone.diagnostics(),
      ...this.#speaker.diagnostics(),
      detector: this.#detectorState,
    };
  }

  /** Stops, and releases the devices. */
  async end() {
    this.#isEnded = true;
    this.#state.end();
    this.#gate.reset();
    this.#listener = null;
    await Promise.all([this.#microphone.end(), this.#speaker.end()]);
  }

  /** @param {string} device */
  async #startSpeaker(device) {
    await this.#speaker.start();
    if (device) {
      await this.setOutputDevice(device);
    }
  }

  /** @param {Int16Array} frame */
  #onFrame(frame) {
    const rms = this.#isMuted ? 0 : rmsOf(frame);
    if (!this.#isMuted) {
      this.#watch.push(peakOf(frame));
    }
    this.#gate.setHeldBack(this.#halfDuplex && this.#isEchoing());
    if (this.#detectorState !== "loading" || this.#talkMode === "push-to-talk") {
      this.#gate.push(frame);
    }
    this.#heartbeat.recorded(rms, performance.now());
  }

  #isEchoing() {
    const nowMs = performance.now();
    if (this.unplayedMs() > 0) {
      this.#echoUntilMs = nowMs + ECHO_MS;
    }
    return nowMs < this.#echoUntilMs;
  }

  /**
   * @param {ProblemCode} code
   * @param {string} reason
   */
  #onMissing(code, reason) {
    this.#gate.reset();
    this.#watch.restart(true);
    this.#report(code, reason);
  }

  /**
   * @param {ProblemCode} code
   * @param {string} [detail]
   */
  #report(code, detail = "") {
    this.#listener?.onProblem(code, detail);
  }
}
