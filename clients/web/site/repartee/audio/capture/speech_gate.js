/** Passes speech on and keeps silence back, by the results of a detector for single frames. */

import { isVoiced } from "./voicing.js";

/**
 * Where a gate sends what it passes on.
 * @typedef {object} SpeechSink
 * @property {() => void} speechStart
 * @property {(frame: Int16Array) => void} audio
 * @property {() => void} speechEnd
 */

/** Speech begins with this many frames of speech in the window; a click has fewer. */
const ONSET_FRAMES = 4;
/** So many of them need a pitch: coughs and keys have none, and would cut the agent's reply. */
const VOICED_FRAMES = 2;
const WINDOW_FRAMES = 7;
/** 300 ms before the onset are sent too: the onset is found late, and an "s" has no pitch. */
const PRE_ROLL_FRAMES = 15;
/** 600 ms without speech end an utterance; pauses between words are shorter. */
const HANGOVER_FRAMES = 30;
/**
 * After 200 ms without speech audio is kept back until it is known whether speech continues. The
 * server adds the silence that a detector needs, so the rest of a pause would be paid for nothing.
 */
const TAIL_FRAMES = 10;

/** Finds utterances in a stream of frames of 20 ms. */
export class SpeechGate {
  #sink;
  #isSpeaking = false;
  #quietFrames = 0;
  /** @type {Int16Array[]} Frames that were not sent, the newest last. */
  #held = [];
  /** @type {{isSpeech: boolean, isVoiced: boolean}[]} */
  #window = [];
  /** @type {Int16Array | null} */
  #before = null;

  /** @param {SpeechSink} sink */
  constructor(sink) {
    this.#sink = sink;
  }

  /**
   * Processes the next frame.
   * @param {Int16Array} frame
   * @param {boolean} isSpeech the detector's result
   */
  push(frame, isSpeech) {
    if (this.#isSpeaking) {
      this.#continue(frame, isSpeech);
    } else {
      this.#wait(frame, isSpeech);
    }
    this.#before = frame;
  }

  /** Ends the utterance, if there is one, and forgets what was heard. */
  reset() {
    if (this.#isSpeaking) {
      this.#sink.speechEnd();
    }
    this.#isSpeaking = false;
    this.#held = [];
    this.#window = [];
    this.#before = null;
  }

  /**
   * @param {Int16Array} frame
   * @param {boolean} isSpeech
   */
  #wait(frame, isSpeech) {
    this.#held.push(frame);
    this.#held.splice(0, this.#held.length - PRE_ROLL_FRAMES);
    const hasPitch = isSpeech && this.#before !== null && isVoiced(this.#before, frame);
    this.#window.push({ isSpeech, isVoiced: hasPitch });
    this.#window.splice(0, this.#window.length - WINDOW_FRAMES);
    const speech = this.#window.filter((one) => one.isSpeech).length;
    const voiced = this.#window.filter((one) => one.isVoiced).length;
    if (speech >= ONSET_FRAMES && voiced >= VOICED_FRAMES) {
      this.#isSpeaking = true;
      this.#quietFrames = 0;
      this.#sink.speechStart();
      this.#sendHeld();
    }
  }

  /**
   * @param {Int16Array} frame
   * @param {boolean} isSpeech
   */
  #continue(frame, isSpeech) {
    this.#held.push(frame);
    this.#quietFrames = isSpeech ? 0 : this.#quietFrames + 1;
    if (this.#quietFrames <= TAIL_FRAMES) {
      this.#sendHeld();
    } else if (this.#quietFrames >= HANGOVER_FRAMES) {
      this.#isSpeaking = false;
      this.#window = [];
      this.#sink.speechEnd();
    }
  }

  #sendHeld() {
    this.#held.forEach((frame) => this.#sink.audio(frame));
    this.#held = [];
  }
}
