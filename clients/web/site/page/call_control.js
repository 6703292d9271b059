/** Connects a call of `repartee.js` with the state of the page. */

import { acceptableText } from "./call/typed_text.js";
import { passEvents } from "./call_events.js";
import { KeptCall } from "./kept_call.js";
import { storedTurns } from "./stored_turns.js";

const HTTP_UNAUTHORIZED = 401;
/** The server may not have stored the last turns before the reload. */
const KEPT_TURNS = 3;
/** A shorter rest of a reply is not shown as speaking. */
const AUDIBLE_MS = 50;

/** @typedef {import("../repartee.js").Call} Call */
/** @typedef {import("../repartee/audio/browser_audio.js").BrowserAudio} BrowserAudio */
/** @typedef {import("../repartee/call_audio.js").TalkMode} TalkMode */

/**
 * The parts of `repartee.js` that the page uses; tests pass others.
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
  #kept;
  /** @type {Call | null} */
  #call = null;
  /** @type {BrowserAudio | null} */
  #audio = null;
  #opening = new AbortController();
  /** Differs from the ids before a reload, whose texts may be shown again. */
  #typedId = Date.now();
  /**
   * What the user typed while the call opens.
   * @type {string[]}
   */
  #unsent = [];

  /** The levels of both sides, from 0 to 1; they change about 20 times a second. */
  levels = { input: 0, output: 0 };

  /**
   * @param {object} options
   * @param {import("./state/store.js").Store<any, any>} options.store
   * @param {Library} options.library
   * @param {string} options.url the address of the HTTP API
   * @param {import("../repartee/http_requests.js").Token} options.token
   * @param {import("../repartee.js").HttpApi} options.api
   * @param {Storage | null} options.storage keeps the call over a reload of the page
   */
  constructor({ store, library, url, token, api, storage }) {
    this.#store = store;
    this.#library = library;
    this.#url = url;
    this.#token = token;
    this.#api = api;
    this.#kept = new KeptCall(storage);
  }

  /** The open call, or the last one; null before the first. */
  get call() {
    return this.#call;
  }

  /** The microphone and speaker of the open call; null in a typed call. */
  get audio() {
    return this.#audio;
  }

  /** The call that this page had before it was reloaded; null if there is none. */
  get kept() {
    return this.#kept.call;
  }

  /**
   * Opens a call. Call it inside the user's click, because browsers allow sound only there.
   * @param {object} [options]
   * @param {"voice" | "typed"} [options.mode]
   * @param {string} [options.conversation] an id, or `new`; without it, the latest conversation
   * @param {boolean} [options.keepsTurns] whether the captions of the last call stay
   */
  start({ mode = "voice", conversation, keepsTurns = false } = {}) {
    this.forget();
    return this.#open({ mode, keepsTurns, connection: { conversation } });
  }

  /** Goes back to the call that this page had before it was reloaded. */
  resume() {
    const kept = this.#kept.call;
    if (kept === null) return Promise.resolve();
    const { mode, startedAtMs, turns, session, resumeFrom } = kept;
    return this.#open({ mode, startedAtMs, turns, connection: { session, resumeFrom } });
  }

  /**
   * Uses the microphone in a call without one: asks for it again, or goes on with the typed
   * session as a spoken one. Call it inside a click.
   */
  async talk() {
    if (this.#audio !== null) return this.#audio.setInputDevice("");
    const resumption = this.#call?.resumption;
    if (!resumption) return;
    const { startedAtMs } = this.#store.state.call;
    const typedCall = this.#call;
    this.#call = null;
    typedCall?.leave();
    return this.#open({ mode: "voice", keepsTurns: true, startedAtMs, connection: resumption });
  }

  /**
   * Keeps what a reloaded page needs to go on with this call.
   * @param {object} [options]
   * @param {boolean} [options.withAudio] also keep the sound that was not played yet
   */
  keep({ withAudio = false } = {}) {
    const { call } = this.#store.state;
    const resumption = withAudio ? this.#call?.resumptionWithAudio : this.#call?.resumption;
    if (call.stage !== "open" || !resumption) return;
    const { mode, startedAtMs } = call;
    const turns = call.turns.slice(-KEPT_TURNS);
    const isKept = this.#kept.keep({ ...resumption, mode, startedAtMs, turns });
    if (!isKept && withAudio) this.keep();
  }

  forget() {
    this.#kept.forget();
  }

  /** Ends the call: at once on the page, and then on the server. */
  async hangUp() {
    this.#opening.abort();
    const { stage } = this.#store.state.call;
    if (stage === "idle" || stage === "over") return;
    this.#take({ type: "closed", reason: "bye", atMs: Date.now() });
    await this.#call?.disconnect();
  }

  stop() {
    this.#call?.interrupt();
  }

  /**
   * Sends a typed text, or keeps it until the call is open.
   * @param {string} typed
   */
  sendText(typed) {
    const text = acceptableText(typed);
    if (text === "") return;
    if (this.#call === null) this.#unsent.push(text);
    else this.#call.sendText(text);
    this.#store.dispatch({ type: "typed", text, id: ++this.#typedId });
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

  /** Starts the sound again; call it inside a click. */
  unlockAudio() {
    this.#audio?.unlock();
    this.#store.dispatch({ type: "problem-closed" });
  }

  closeProblem() {
    this.#store.dispatch({ type: "problem-closed" });
  }

  /** @param {{mode: "voice" | "typed", connection: any, [name: string]: any}} options */
  async #open({ mode, connection, keepsTurns = false, startedAtMs = Date.now(), turns = [] }) {
    const { talkMode } = this.#store.state.call;
    this.#opening.abort();
    this.#call = null;
    this.#unsent = [];
    this.#audio = mode === "voice" ? this.#library.makeAudio({ talkMode }) : null;
    this.#audio?.unlock();
    const { conversation } = connection;
    this.#store.dispatch({ type: "start", mode, keepsTurns, conversationId: conversation });
    const audio = this.#audio;
    this.#opening = new AbortController();
    const { signal } = this.#opening;
    let call;
    try {
      const options = { ...connection, token: this.#token, audio, signal };
      call = await this.#library.connect(this.#url, options);
    } catch (error) {
      void audio?.end();
      if (!signal.aborted) this.#fail(error);
      return;
    }
    this.#listenTo(call);
    void this.#library.wakeLock.hold();
    const { sessionId, conversationId } = call;
    this.#store.dispatch({ type: "opened", sessionId, conversationId, startedAtMs });
    this.#store.dispatch({ type: "stored-turns", turns });
    // The audio that was kept has been passed on; another reload would play it again.
    this.keep();
    for (const text of this.#unsent.splice(0)) call.sendText(text);
    if (conversation !== "new") await this.#loadTurns(conversationId);
  }

  /** @param {Call} call */
  #listenTo(call) {
    this.#call = call;
    passEvents(call, {
      // After the user has left, the last frames would bring the call back.
      isCurrent: () => this.#call === call && this.#store.state.call.stage !== "idle",
      take: (event) => this.#take(event),
      onLevels: (levels) => {
        this.levels = levels;
        this.#watchPlaying();
      },
    });
  }

  /** @param {import("./state/call_state.js").CallEvent} event */
  #take(event) {
    this.#store.dispatch(event);
    if (event.type === "turn-end") this.keep();
    if (event.type === "closed") {
      this.forget();
      void this.#library.wakeLock.release();
      this.levels = { input: 0, output: 0 };
    }
  }

  #watchPlaying() {
    if (this.#audio === null) return;
    const isSpeaking = this.#store.state.call.speakingTurn !== null;
    const unplayedMs = this.#audio.unplayedMs();
    if (isSpeaking && unplayedMs === 0) this.#store.dispatch({ type: "played" });
    if (!isSpeaking && unplayedMs > AUDIBLE_MS) this.#store.dispatch({ type: "playing" });
  }

  /** @param {string} conversationId */
  async #loadTurns(conversationId) {
    for await (const turns of storedTurns(this.#api, conversationId)) {
      if (this.#store.state.call.conversationId !== conversationId) return;
      this.#store.dispatch({ type: "stored-turns", turns });
    }
  }

  /** @param {any} error an `HttpProblem` or a `CallError` */
  #fail(error) {
    const { code = "", message = "", status = null, dailyLimit = null } = error ?? {};
    if (!mayReturn(error)) this.forget();
    if (dailyLimit !== null) this.#store.dispatch({ type: "limit-reached", ...dailyLimit });
    if (status === HTTP_UNAUTHORIZED) {
      this.#store.dispatch({ type: "signed-in", isSignedIn: false, problem: message });
    }
    const shown = status === HTTP_UNAUTHORIZED ? "signed_out" : code;
    this.#store.dispatch({ type: "failed", code: shown, message, atMs: Date.now() });
  }
}

/**
 * Returns whether another reload of the page may reach the call that was kept.
 * @param {any} error an `HttpProblem` or a `CallError`
 */
function mayReturn(error) {
  const { status = null, code = "" } = error ?? {};
  return status === null
    ? ["connection_refused", "no_answer"].includes(code)
    : status === 0 || status >= 500;
}
