/**
 * A call: the methods and events for the application.
 *
 * @module
 */

import { CallAudio } from "./call_audio.js";
import { CallEventTarget, eventName, withoutAudio } from "./call_events.js";
import { CallError } from "./errors.js";
import { ClientSession } from "./protocol/session.js";
import { Transport } from "./transport.js";
import { UserInput, checkText } from "./user_input.js";

/** @typedef {import("./call_audio.js").AudioPort} AudioPort */
/** @typedef {import("./call_events.js").Status} Status */
/** @typedef {import("./protocol/frames.js").Answer} Answer */
/** @typedef {import("./protocol/frames.js").Frame} Frame */
/** @typedef {import("./protocol/frames.js").Ready} Ready */
/** @typedef {import("./protocol/session.js").Resumption} Resumption */
/** @typedef {import("./reconnecting.js").Ending} Ending */
/** @typedef {import("./timers.js").Timers} Timers */

const HANG_UP_WITHIN_MS = 5_000;
const READY_WITHIN_MS = 30_000;
/** After these endings nothing more of the reply is heard. */
const SILENT_ENDINGS = ["bye", "left", "erased", "superseded", "superseded_connection"];
/** After these endings the session still exists. */
const RETURNABLE_ENDINGS = ["left", "superseded_connection", "connection_lost", "access_refused"];

/** An open call, which `connect` returns. `CallEvents` lists its events. */
export class Call extends CallEventTarget {
  #session;
  #port;
  #timers;
  #audio;
  #input;
  #transport;
  #resumeFrom;
  /** @type {Status} */
  #status = "connecting";
  /** @type {Ready | null} */
  #ready = null;
  #isHangingUp = false;
  /** @type {Ending | null} */
  #ending = null;
  /**
   * The position at the end of the call.
   *
   * @type {Resumption | null}
   */
  #leftAt = null;
  #whenOver = new AbortController();
  /** @type {(failure: Error | null) => void} */
  #settleOpened = () => {};
  #opened = new Promise((resolve, reject) => {
    this.#settleOpened = (failure) => (failure === null ? resolve(null) : reject(failure));
  });

  /**
   * @param {object} parts
   * @param {{open(signal: AbortSignal): Promise<import("./line.js").Line>,
   *   features: readonly string[]}} parts.lines opens the connections of the session
   * @param {AudioPort | null} parts.port
   * @param {Timers} parts.timers
   * @param {EventTarget | null} parts.window reports changes of the network
   * @param {Resumption | undefined} parts.resumeFrom
   * @param {number} parts.reconnectForMs
   */
  constructor({ lines, port, timers, window, resumeFrom, reconnectForMs }) {
    super();
    this.#port = port;
    this.#timers = timers;
    this.#audio = port === null ? null : new CallAudio(port, timers);
    const session = new ClientSession({ speaker: this.#audio?.speaker });
    this.#session = session;
    this.#resumeFrom = resumeFrom;
    this.#transport = new Transport({
      openLine: async (signal) => {
        const line = await lines.open(signal);
        session.features = lines.features;
        session.marksSpeech = port?.marksSpeech ?? false;
        return line;
      },
      session,
      timers,
      reconnectForMs,
      user: {
        take: (messages) => messages.forEach((message) => this.#take(message)),
        lineLost: (reason) => this.#setStatus("reconnecting", reason),
        over: (ending) => this.#over(ending),
        observe: (direction, text) =>
          this.emit("frame", { direction, at_ms: timers.nowMs(), frame: withoutAudio(text) }),
      },
    });
    // A call may end while the first connection is opened; `open` reports that.
    this.#opened.catch(() => {});
    this.#input = new UserInput(session, timers, () => this.#transport.flush());
    this.#watchNetwork(window);
  }

  // State.

  get status() {
    return this.#status;
  }

  /** The id of the session: `connect` returns to it with `session`. */
  get sessionId() {
    return this.#ready?.session_id ?? "";
  }

  /** The id of the conversation: `connect` continues it with `conversation`. */
  get conversationId() {
    return this.#ready?.conversation_id ?? "";
  }

  /** Whether the user's latest utterance or text is not answered completely. */
  get isWaitingForAnswer() {
    return this.#session.isWaitingForAnswer;
  }

  /**
   * What a reloaded page passes to `connect` to return to this session; null if the session is over.
   *
   * @returns {{session: string, resumeFrom: Resumption} | null}
   */
  get resumption() {
    return this.#resumption({ withAudio: false });
  }

  /**
   * The same with the audio that was not played yet, so that the reply continues after a reload.
   * It takes 64 kB for each second, and a reply arrives much faster than it is played.
   *
   * @returns {{session: string, resumeFrom: Resumption} | null}
   */
  get resumptionWithAudio() {
    return this.#resumption({ withAudio: true });
  }

  // Actions of the user.

  /**
   * Sends typed text; it is a separate turn, and interrupts a running reply.
   *
   * Throws a `TypeError` or `RangeError` for a text that the server would refuse, and a `CallError`
   * with the code `call_over`.
   *
   * @param {string} text
   */
  sendText(text) {
    checkText(text);
    if (!this.#canSend()) {
      throw new CallError("call_over", "the call is over: open another one to send text");
    }
    this.#input.text(text);
  }

  /**
   * Stops the reply without speech. The conversation remembers the part that was played. Running
   * tools go on, and their outcome comes with the next reply.
   */
  interrupt() {
    if (this.#canSend()) {
      this.#input.stop();
    }
  }

  /**
   * Hangs up: the sound ends at once, and the promise is resolved when the server has confirmed the
   * end, or has not answered for a while. The conversation is kept.
   *
   * @param {object} [options]
   * @param {number} [options.withinMs] how long to wait for the server
   */
  async disconnect({ withinMs = HANG_UP_WITHIN_MS } = {}) {
    if (this.#canSend()) {
      const { playback } = this.#session;
      if (playback.turn > 0) {
        playback.stop(playback.turn, this.#timers.nowMs());
      }
      void this.#audio?.hangUp();
      this.#isHangingUp = true;
      this.#input.bye();
    }
    await this.#timers.wait(withinMs, this.#whenOver.signal).catch(() => {});
    this.#quit("bye");
  }

  /** Leaves the session open, for a page that is about to reload; unsent input is dropped. */
  leave() {
    this.#quit("left");
  }

  /** @param {boolean} isMuted */
  setMuted(isMuted) {
    this.#port?.setMuted?.(isMuted);
  }

  /** @param {"hands-free" | "push-to-talk"} mode */
  setTalkMode(mode) {
    this.#port?.setTalkMode?.(mode);
    this.#announceMarks();
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
    this.#announceMarks();
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

  // The life of the call.

  /**
   * Opens the call, and returns when the server is ready; for `connect`.
   *
   * @param {AbortSignal} [signal] gives up
   */
  async open(signal) {
    void this.#startAudio();
    if (this.#resumeFrom !== undefined) {
      this.#session.resumeAt(this.#resumeFrom, this.#timers.nowMs());
    }
    try {
      await this.#timers.within(READY_WITHIN_MS, signal, async () => {
        await this.#transport.open();
        await this.#opened;
      });
    } catch (error) {
      this.leave();
      signal?.throwIfAborted();
      throw isAbort(error)
        ? new CallError("no_answer", `the server was not ready in ${READY_WITHIN_MS / 1_000} s`)
        : error;
    }
    this.#timers.start(0, () => this.dispatchHeld());
  }

  /** @param {{withAudio: boolean}} options */
  #resumption(options) {
    const canReturn = this.#ending === null || RETURNABLE_ENDINGS.includes(this.#ending.reason);
    if (this.#ready === null || !canReturn) {
      return null;
    }
    const resumeFrom = this.#leftAt ?? this.#session.resumption(this.#timers.nowMs(), options);
    return { session: this.#ready.session_id, resumeFrom };
  }

  async #startAudio() {
    await this.#audio?.start({
      input: this.#input,
      canSend: () => this.#canSend(),
      emit: (name, detail) => this.emit(name, detail),
    });
    this.#announceMarks();
  }

  #canSend() {
    return this.#ready !== null && this.#ending === null && !this.#isHangingUp;
  }

  /** Lets a new `hello` say whether the client marks all speech. */
  #announceMarks() {
    const marksSpeech = this.#port?.marksSpeech ?? false;
    if (this.#canSend() && marksSpeech !== this.#session.marksSpeech) {
      void this.#transport.renew();
    }
  }

  /** @param {EventTarget | null} window */
  #watchNetwork(window) {
    const check = (/** @type {Event} */ { target }) => {
      const isHidden = /** @type {{hidden?: boolean} | null} */ (target)?.hidden ?? false;
      if (!isHidden) {
        this.#transport.check();
      }
    };
    // A device that slept, or changed its network, may have lost the line without notice.
    for (const name of ["online", "offline", "visibilitychange"]) {
      window?.addEventListener(name, check, { signal: this.#whenOver.signal });
    }
  }

  /** @param {Frame | Answer} message */
  #take(message) {
    this.#audio?.observe(message);
    if (message.type === "ready") {
      this.#input.opened(message);
      const isFirst = this.#ready === null;
      this.#ready = message;
      this.#setStatus("connected", "");
      if (isFirst) {
        this.emit("ready", message);
        this.#settleOpened(null);
      }
    }
    const name = eventName(message);
    if (name !== null) {
      this.emit(name, /** @type {any} */ (message));
    }
  }

  /**
   * @param {Status} status
   * @param {string} reason
   */
  #setStatus(status, reason) {
    if (status !== this.#status) {
      this.#status = status;
      this.emit("status", { status, reason });
    }
  }

  /** @param {string} reason */
  #quit(reason) {
    if (this.#ending === null) {
      this.#transport.close();
      this.#over({ reason, error: null, dailyLimit: null });
    }
  }

  /** @param {Ending} ending */
  #over(ending) {
    const { reason, error, dailyLimit } = ending;
    this.#ending = ending;
    this.#leftAt = this.#session.resumption(this.#timers.nowMs(), { withAudio: true });
    this.#whenOver.abort();
    this.#input.drop();
    void (SILENT_ENDINGS.includes(reason) ? this.#audio?.hangUp() : this.#audio?.finish());
    this.#settleOpened(error ?? new CallError("call_over", `the session is over: ${reason}`));
    if (dailyLimit !== null) {
      this.emit("limit-reached", dailyLimit);
    }
    // The server's own refusal has been dispatched.
    if (error !== null && error.code !== "message_refused") {
      this.emit("error", { code: error.code, message: error.message });
    }
    this.#setStatus("closed", reason);
    this.emit("closed", { reason });
  }
}

/** @param {unknown} error */
function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}
