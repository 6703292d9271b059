/** Decides which frames of the microphone are sent. */

import { SpeechGate } from "./speech_gate.js";

/** @typedef {import("./speech_gate.js").SpeechSink} SpeechSink */
/** @typedef {import("../../call_audio.js").TalkMode} TalkMode */
/** @typedef {(frame: Int16Array) => boolean} Detector whether a frame is speech */

/** After a release 100 ms are sent: the device and this module hold audio from before it. */
const RELEASE_FRAMES = 5;

/**
 * Applies mute, push-to-talk, detector and half-duplex to the microphone's frames.
 *
 * - Hands-free with a detector: utterances between marks, and nothing else.
 * - Hands-free without: everything, without marks.
 * - Push-to-talk: what is said between press and release, between marks.
 *
 * A change ends an utterance that is under way.
 */
export class MicrophoneGate {
  #sink;
  #speech;
  /** @type {Detector | null} */
  #detector = null;
  /** @type {TalkMode} */
  #mode = "hands-free";
  #isMuted = false;
  #isHeldBack = false;
  #isPressed = false;
  #releaseFrames = 0;

  /** @param {SpeechSink} sink */
  constructor(sink) {
    this.#sink = sink;
    this.#speech = new SpeechGate(sink);
  }

  /** @param {Detector | null} detector null for no detector */
  setDetector(detector) {
    this.reset();
    this.#detector = detector;
  }

  /** @param {TalkMode} mode */
  setMode(mode) {
    if (mode !== this.#mode) {
      this.reset();
      this.#mode = mode;
    }
  }

  /** @param {boolean} isMuted */
  setMuted(isMuted) {
    if (isMuted) {
      this.reset();
    }
    this.#isMuted = isMuted;
  }

  /**
   * Keeps the microphone back while a reply plays. A user who presses the button is heard.
   * @param {boolean} isHeldBack
   */
  setHeldBack(isHeldBack) {
    if (isHeldBack && !this.#isHeldBack && this.#mode === "hands-free") {
      this.reset();
    }
    this.#isHeldBack = isHeldBack;
  }

  /** Starts an utterance, in push-to-talk. */
  press() {
    if (this.#mode !== "push-to-talk" || this.#isMuted || this.#isPressed) {
      return;
    }
    this.#isPressed = true;
    if (!this.#releaseFrames) {
      this.#sink.speechStart();
    }
    this.#releaseFrames = 0;
  }

  /** Ends the utterance, in push-to-talk, once the last audio before this call has arrived. */
  release() {
    if (this.#isPressed) {
      this.#isPressed = false;
      this.#releaseFrames = RELEASE_FRAMES;
    }
  }

  /**
   * Processes the next frame of 20 ms.
   * @param {Int16Array} frame
   */
  push(frame) {
    if (this.#mode === "push-to-talk") {
      this.#pushPressed(frame);
    } else if (this.#isMuted || this.#isHeldBack) {
      return;
    } else if (this.#detector) {
      this.#speech.push(frame, this.#detector(frame));
    } else {
      this.#sink.audio(frame);
    }
  }

  /** Ends the utterance, if there is one: the next frame does not continue the last. */
  reset() {
    this.#speech.reset();
    if (this.#isPressed || this.#releaseFrames) {
      this.#isPressed = false;
      this.#releaseFrames = 0;
      this.#sink.speechEnd();
    }
  }

  /** @param {Int16Array} frame */
  #pushPressed(frame) {
    if (this.#isPressed) {
      this.#sink.audio(frame);
    } else if (this.#releaseFrames) {
      this.#sink.audio(frame);
      this.#releaseFrames -= 1;
      if (!this.#releaseFrames) {
        this.#sink.speechEnd();
      }
    }
  }
}
