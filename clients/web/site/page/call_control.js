/** Connects a call of `repartee.js` with the state of the page. */

import { storedTurn } from "./state/turns.js";

/** The events of a call that change what the page shows; levels and frames go elsewhere. */
const EVENTS = [
  "status",
  "transcript",
  "audio",
  "interrupted",
  "tool",
  "turn-restarted",
  "reply-lost",
  "turn-end",
  "no-speech",
  "speech-heard",
  "limit-reached",
  "microphone",
  "error",
  "closed",
];
const HTTP_UNAUTHORIZED = 401;
const KEPT_CALL = "repartee.call";
const TURNS_OF_A_PAGE = 100;

/** @typedef {import("../repartee.js").Call} Call */
/** @typedef {import("../repartee/audio/browser_audio.js").BrowserAudio} BrowserAudio */
/** @typedef {import("../repartee/audio/capture/microphone_gate.js").TalkMode} TalkMode */

/**
 * The parts of `repartee.js` that the page uses; tests pass others.
 *
 * @typedef {object} Library
 * @property {typeof import("../repartee.js").connect} connect
 * @property {(options: {talkMode: TalkMode}) => BrowserAudio} makeAudio called inside a click
 * @property {{hold(): Promise<void>, release(): Promise<void>}} wakeLock keeps the screen on
 */

export class CallControl {
  #store;
  #library;
  #url;
  #token;
  #api;
  #storage;
  /** @type {Call | null} */
  #call = null;
  /** @type {BrowserAudio | null} */
  #audio = null;
  #typedCount = 0;

  /** The levels of both sides, from 0 to 1; they change about 20 times a second. */
  levels = { input: 0, output: 0 };

  /**
   * @param {object} options
   * @param {import("./state/store.js").Store<any, any>} options.store
   * @param {Library} options.library
   * @param {string} options.url the address of the HTTP API
   * @param {import("../repartee/http_requests.js").Token} options.token
   * @param {import("../repartee.js").HttpApi} options.api
   * @param {Storage} options.storage keeps the call over a reload of the page
   */
  constructor({ store, library, url, token, api, storage }) {
    this.#store = store;
    this.#library = library;
    this.#url = url;
    this.#token = token;
    this.#api = api;
    this.#storage = storage;
  }

  /** The open call, or the last one; null before the first. */
  get call() {
    return this.#call;
  }

  /** The microphone and speaker of the open call; null in a typed call. */
  get audio() {
    return this.#audio;
  }

  get hasKeptCall() {
    return this.#storage.getItem(KEPT_CALL) !== null;
  }

  get isKeptCallTyped() {
    return this.#kept()?.mode === "typed";
  }

  /**
   * Open a call. Call it inside the user's click, because browsers allow sound only there.
   *
   * @param {object} [options]
   * @param {"voice" | "typed"} [options.mode]
   * @param {string} [options.conversation] an id, or `new`; without it, the latest conversation
   * @param {boolean} [options.keepsTurns] whether the captions of the last call stay
   */
  start({ mode = "voice", conversation, keepsTurns = false } = {}) {
    this.#storage.removeItem(KEPT_CALL);
    return this.#open({ mode, keepsTurns, connection: { conversation } });
  }

  /** Go back to the call that this page had before it was reloaded. */
  resume() {
    const kept = this.#kept();
    if (kept === null) return Promise.resolve();
    const { mode, startedAtMs, turns, session, resumeFrom } = kept;
    return this.#open({ mode, startedAtMs, turns, connection: { session, resumeFrom } });
  }

  /**
   * Use the microphone in a call without one: ask for it again, or go on with the typed session as
   * a spoken one. Call it inside a click.
   */
  async talk() {
    if (this.#audio !== null) return this.#audio.setInputDevice("");
    const resumption = this.#call?.resumption;
    if (!resumption) return;
    const { startedAtMs } = this.#store.state.call;
    this.#call?.leave();
    return this.#open({ mode: "voice", keepsTurns: true, startedAtMs, connection: resumption });
  }

  /** Keep what a reloaded page needs to go on with this call. */
  keep() {
    const { call } = this.#store.state;
    if (call.stage !== "open" || this.#call === null) return;
    const turns = call.turns.filter((/** @type {any} */ turn) => !turn.isOver);
    const { mode, startedAtMs } = call;
    const { resumption } = this.#call;
    if (resumption === null) return;
    const kept = { ...resumption, mode, startedAtMs, turns };
    this.#storage.setItem(KEPT_CALL, JSON.stringify(kept));
  }

  forget() {
    this.#storage.removeItem(KEPT_CALL);
  }

  async hangUp() {
    this.forget();
    await this.#call?.disconnect();
  }

  stop() {
    this.#call?.interrupt();
  }

  /** @param {string} text */
  sendText(text) {
    if (this.#call === null) return;
    this.#call.sendText(text);
    this.#store.dispatch({ type: "typed", text, id: ++this.#typedCount });
  }

  /** @param {boolean} isMuted */
  setMuted(isMuted) {
    this.#call?.setMuted(isMuted);
    this.#store.dispatch({ type: "muted", isMuted });
  }

  /** @param {TalkMode} talkMode */
  setTalkMode(talkMode) {
    this.#call?.setTalkMode(talkMode);
    this.#store.dispatch({ type: "talk-mode", talkMode });
  }

  /** @param {boolean} isPressed */
  setPressed(isPressed) {
    if (this.#store.state.call.isPressed === isPressed) return;
    if (isPressed) this.#call?.press();
    else this.#call?.release();
    this.#store.dispatch({ type: "pressed", isPressed });
  }

  /** Start the sound again; call it inside a click. */
  unlockAudio() {
    this.#audio?.unlock();
    this.#store.dispatch({ type: "problem-closed" });
  }

  #kept() {
    return JSON.parse(this.#storage.getItem(KEPT_CALL) ?? "null");
  }

  closeProblem() {
    this.#store.dispatch({ type: "problem-closed" });
  }

  /** @param {{mode: "voice" | "typed", connection: any, [name: string]: any}} options */
  async #open({ mode, connection, keepsTurns = false, startedAtMs = Date.now(), turns = [] }) {
    const { talkMode } = this.#store.state.call;
    this.#call = null;
    this.#audio = mode === "voice" ? this.#library.makeAudio({ talkMode }) : null;
    this.#audio?.unlock();
    this.#store.dispatch({ type: "start", mode, keepsTurns, conversationId: connection.conversation });
    let call;
    try {
      const options = { ...connection, token: this.#token, audio: this.#audio };
      call = await this.#library.connect(this.#url, options);
    } catch (error) {
      this.forget();
      void this.#audio?.end();
      this.#fail(error);
      return;
    }
    this.#listenTo(call);
    void this.#library.wakeLock.hold();
    const { sessionId, conversationId } = call;
    this.#store.dispatch({ type: "opened", sessionId, conversationId, startedAtMs });
    this.#store.dispatch({ type: "stored-turns", turns });
    if (connection.conversation !== "new") await this.#loadTurns(conversationId);
  }

  /** @param {Call} call */
  #listenTo(call) {
    this.#call = call;
    const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ take) =>
      call.addEventListener(type, (event) => {
        // The events of an earlier call may still come.
        if (this.#call === call && event instanceof CustomEvent) take(event.detail);
      });
    for (const type of EVENTS) on(type, (detail) => this.#take(type, detail));
    on("audio-level", (levels) => {
      this.levels = levels;
      this.#watchPlaying();
    });
    on("frame", ({ direction, frame }) => {
      if (direction !== "sent") return;
      if (frame.type === "speech_start") this.#store.dispatch({ type: "speech-start" });
      if (frame.type === "speech_end") this.#store.dispatch({ type: "speech-end" });
    });
  }

  /**
   * @param {string} type
   * @param {any} detail
   */
  #take(type, detail) {
    this.#store.dispatch({ ...detail, type, atMs: Date.now() });
    if (type === "turn-end") this.keep();
    if (type === "closed") {
      this.forget();
      void this.#library.wakeLock.release();
      this.levels = { input: 0, output: 0 };
    }
  }

  #watchPlaying() {
    const { call } = this.#store.state;
    if (call.speakingTurn !== null && this.#audio?.unplayedMs() === 0) {
      this.#store.dispatch({ type: "played" });
    }
  }

  /** @param {string} conversationId */
  async #loadTurns(conversationId) {
    /** @type {string | number | null} */
    let after = null;
    do {
      const options = { after, limit: TURNS_OF_A_PAGE };
      /** @type {any} */
      const page = await this.#api.turns(conversationId, options).catch(() => null);
      if (page === null || this.#store.state.call.conversationId !== conversationId) return;
      const turns = page.items.map(storedTurn);
      this.#store.dispatch({ type: "stored-turns", turns });
      after = page.nextAfter;
    } while (after !== null);
  }

  /** @param {any} error an `HttpProblem` or a `CallError` */
  #fail(error) {
    const { code = "", message = "", status = null, dailyLimit = null } = error ?? {};
    if (dailyLimit !== null) this.#store.dispatch({ type: "limit-reached", ...dailyLimit });
    if (status === HTTP_UNAUTHORIZED) {
      this.#store.dispatch({ type: "signed-in", isSignedIn: false, problem: message });
    }
    this.#store.dispatch({ type: "failed", code, message, atMs: Date.now() });
  }
}
