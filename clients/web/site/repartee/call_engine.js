/** The life of a call: its session, its connections, its sound and its end. */

import { CallAudio } from "./call_audio.js";
import { eventName, withoutAudio } from "./call_events.js";
import { CallError } from "./errors.js";
import { ClientSession } from "./protocol/session.js";
import { isAbort } from "./timers.js";
import { Transport } from "./transport.js";
import { UserInput } from "./user_input.js";

/** @typedef {import("./call_audio.js").AudioPort} AudioPort */
/** @typedef {import("./call_events.js").CallEvents} CallEvents */
/** @typedef {import("./call_events.js").Status} Status */
/** @typedef {import("./protocol/frames.js").Answer} Answer */
/** @typedef {import("./protocol/frames.js").Frame} Frame */
/** @typedef {import("./protocol/frames.js").Ready} Ready */
/** @typedef {import("./protocol/session.js").Resumption} Resumption */
/** @typedef {import("./reconnecting.js").Ending} Ending */
/** @typedef {import("./timers.js").Timers} Timers */

/**
 * The parts of a call. `lines` opens the connections of the session, and `window` reports changes
 * of the network.
 * @typedef {{
 *   lines: {open(signal: AbortSignal): Promise<import("./line.js").Line>,
 *     features: readonly string[]},
 *   port: AudioPort | null,
 *   timers: Timers,
 *   window: EventTarget | null,
 *   resumeFrom: Resumption | undefined,
 *   reconnectForMs: number,
 * }} CallParts
 */

/** @typedef {<Name extends keyof CallEvents>(name: Name, detail: CallEvents[Name]) => void} Emit */

const READY_WITHIN_MS = 30_000;
/** After these endings nothing more of the reply is heard. */
const SILENT_ENDINGS = ["bye", "left", "erased", "superseded", "superseded_connection"];
/** After these endings the session still exists. */
const RETURNABLE_ENDINGS = ["left", "superseded_connection", "connection_lost", "access_refused"];

/** Runs one call, and reports its events. */
export class CallEngine {
  /** @type {Status} */
  status = "connecting";
  /**
   * The newest answer to `hello`; null until the first one arrives.
   * @type {Ready | null}
   */
  ready = null;

  #session;
  #port;
  #timers;
  #emit;
  #audio;
  #input;
  #transport;
  #resumeFrom;
  #isHangingUp = false;
  /** @type {Ending | null} */
  #ending = null;
  /**
   * The position at the end of the call.
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
   * @param {CallParts} parts
   * @param {Emit} emit
   */
  constructor({ lines, port, timers, window, resumeFrom, reconnectForMs }, emit) {
    this.#port = port;
    this.#timers = timers;
    this.#emit = emit;
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
          emit("frame", { direction, at_ms: timers.nowMs(), frame: withoutAudio(text) }),
      },
    });
    // A call may end while the first connection is opened; `open` reports that.
    this.#opened.catch(() => {});
    this.#input = new UserInput(session, timers, () => this.#transport.flush());
    this.#watchNetwork(window);
  }

  /** What the user says and types; null if nothing can be sent. */
  get input() {
    return this.#canSend() ? this.#input : null;
  }

  get isWaitingForAnswer() {
    return this.#session.isWaitingForAnswer;
  }

  /**
   * Returns what `connect` needs to return to this session; null if the session is over.
   * @param {{withAudio: boolean}} options
   */
  resumption(options) {
    const canReturn = this.#ending === null || RETURNABLE_ENDINGS.includes(this.#ending.reason);
    if (this.ready === null || !canReturn) {
      return null;
    }
    const resumeFrom = this.#leftAt ?? this.#session.resumption(this.#timers.nowMs(), options);
    return { session: this.ready.session_id, resumeFrom };
  }

  /**
   * Opens the call, and returns when the server is ready.
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
      this.quit("left");
      signal?.throwIfAborted();
      throw isAbort(error)
        ? new CallError("no_answer", `the server was not ready in ${READY_WITHIN_MS / 1_000} s`)
        : error;
    }
  }

  /**
   * Ends the sound at once, and returns when the server has confirmed the end, or the time is over.
   * @param {number} withinMs
   */
  async hangUp(withinMs) {
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
    this.quit("bye");
  }

  /**
   * Ends the call on this side, unless it is over.
   * @param {string} reason
   */
  quit(reason) {
    if (this.#ending === null) {
      this.#transport.close();
      this.#over({ reason, error: null, dailyLimit: null });
    }
  }

  /** Lets a new `hello` say whether the client marks all speech, after a change of that. */
  announceMarks() {
    const marksSpeech = this.#port?.marksSpeech ?? false;
    if (this.#canSend() && marksSpeech !== this.#session.marksSpeech) {
      void this.#transport.renew();
    }
  }

  async #startAudio() {
    await this.#audio?.start({
      input: this.#input,
      canSend: () => this.#canSend(),
      emit: this.#emit,
    });
    this.announceMarks();
  }

  #canSend() {
    return this.ready !== null && this.#ending === null && !this.#isHangingUp;
  }

  /** @param {EventTarget | null} window */
  #watchNetwork(window) {
    const check = (/** @type {Event} */ { type, target }) => {
      const isHidden = /** @type {{hidden?: boolean} | null} */ (target)?.hidden ?? false;
      if (!isHidden) {
        this.#transport.check(type === "offline");
      }
    };
    // A device that slept, or changed its network, may have lost its connection without notice.
    for (const name of ["online", "offline", "visibilitychange"]) {
      window?.addEventListener(name, check, { signal: this.#whenOver.signal });
    }
  }

  /** @param {Frame | Answer} message */
  #take(message) {
    this.#audio?.observe(message);
    if (message.type === "ready") {
      this.#input.opened(message);
      const isFirst = this.ready === null;
      this.ready = message;
      this.#setStatus("connected", "");
      if (isFirst) {
        this.#emit("ready", message);
        this.#settleOpened(null);
      }
    }
    const name = eventName(message);
    if (name !== null) {
      this.#emit(name, /** @type {any} */ (message));
    }
  }

  /**
   * @param {Status} status
   * @param {string} reason
   */
  #setStatus(status, reason) {
    if (status !== this.status) {
      this.status = status;
      this.#emit("status", { status, reason });
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
      this.#emit("limit-reached", dailyLimit);
    }
    // The server's own refusal has been dispatched.
    if (error !== null && error.code !== "message_refused") {
      this.#emit("error", { code: error.code, message: error.message });
    }
    this.#setStatus("closed", reason);
    this.#emit("closed", { reason });
  }
}
