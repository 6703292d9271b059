/** A call: the methods and events for the application. */

import { CallEngine } from "./call_engine.js";
import { CallEventTarget } from "./call_events.js";
import { CallError } from "./errors.js";
import { checkText } from "./user_input.js";

/** @typedef {import("./protocol/session.js").Resumption} Resumption */

const HANG_UP_WITHIN_MS = 5_000;

/** An open call, which `connect` returns. `CallEvents` lists its events. */
export class Call extends CallEventTarget {
  #engine;
  #port;
  #timers;

  /** @param {import("./call_engine.js").CallParts} parts */
  constructor(parts) {
    super();
    this.#port = parts.port;
    this.#timers = parts.timers;
    this.#engine = new CallEngine(parts, (name, detail) => this.emit(name, detail));
  }

  /**
   * Opens the call, and returns when the server is ready; for `connect`.
   * @param {AbortSignal} [signal] gives up
   */
  async open(signal) {
    await this.#engine.open(signal);
    this.#timers.start(0, () => this.dispatchHeld());
  }

  // State.

  get status() {
    return this.#engine.status;
  }

  /** The id of the session: `connect` returns to it with `session`. */
  get sessionId() {
    return this.#engine.ready?.session_id ?? "";
  }

  /** The id of the conversation: `connect` continues it with `conversation`. */
  get conversationId() {
    return this.#engine.ready?.conversation_id ?? "";
  }

  /** Whether the user's latest utterance or text is not answered completely. */
  get isWaitingForAnswer() {
    return this.#engine.isWaitingForAnswer;
  }

  /**
   * What a reloaded page passes to `connect` to return to its session; null if the session is over.
   * @returns {{session: string, resumeFrom: Resumption} | null}
   */
  get resumption() {
    return this.#engine.resumption({ withAudio: false });
  }

  /**
   * The same with the audio that was not played yet, so that the reply continues after a reload.
   * It takes 64 kB for each second, and a reply arrives much faster than it is played.
   * @returns {{session: string, resumeFrom: Resumption} | null}
   */
  get resumptionWithAudio() {
    return this.#engine.resumption({ withAudio: true });
  }

  // Actions of the user.

  /**
   * Sends typed text; it is a separate turn, and interrupts a running reply.
   *
   * Throws a `TypeError` or `RangeError` for a text that the server would refuse, and a `CallError`
   * with the code `call_over`.
   * @param {string} text
   */
  sendText(text) {
    checkText(text);
    const { input } = this.#engine;
    if (input === null) {
      throw new CallError("call_over", "the call is over: open another one to send text");
    }
    input.text(text);
  }

  /**
   * Stops the reply without speech. The conversation remembers the part that was played. Running
   * tools go on, and their outcome comes with the next reply.
   */
  interrupt() {
    this.#engine.input?.stop();
  }

  /**
   * Hangs up: the sound ends at once, and the promise is resolved when the server has confirmed the
   * end, or has not answered for a while. The conversation is kept.
   * @param {object} [options]
   * @param {number} [options.withinMs] how long to wait for the server
   */
  async disconnect({ withinMs = HANG_UP_WITHIN_MS } = {}) {
    await this.#engine.hangUp(withinMs);
  }

  /** Leaves the session open, for a page that is about to reload; unsent speech is dropped. */
  leave() {
    this.#engine.quit("left");
  }

  /** @param {boolean} isMuted */
  setMuted(isMuted) {
    this.#port?.setMuted?.(isMuted);
  }

  /** @param {import("./call_audio.js").TalkMode} mode */
  setTalkMode(mode) {
    this.#port?.setTalkMode?.(mode);
    this.#engine.announceMarks();
  }

  /** The user begins to speak, with push-to-talk. */
  press() {
    this.#port?.press?.();
  }

  /** The user has finished, with push-to-talk. */
  release() {
    this.#port?.release?.();
  }

  /** @param {boolean} isOn whether a detector in the browser finds speech, and only that is sent */
  async setDetector(isOn) {
    await this.#port?.setDetector?.(isOn);
    this.#engine.announceMarks();
  }

  /** @param {boolean} isOn whether the microphone waits while a reply plays */
  setHalfDuplex(isOn) {
    this.#port?.setHalfDuplex?.(isOn);
  }

  /** @param {string} id "" for the default */
  async setInputDevice(id) {
    await this.#port?.setInputDevice?.(id);
  }

  /** @param {string} id "" for the default */
  async setOutputDevice(id) {
    await this.#port?.setOutputDevice?.(id);
  }
}
