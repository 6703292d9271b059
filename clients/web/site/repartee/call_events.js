/** The events of a call. */

/** @typedef {import("./protocol/frames.js").Answer} Answer */
/** @typedef {import("./protocol/frames.js").Frame} Frame */

/** @typedef {"connecting" | "connected" | "reconnecting" | "closed"} Status */

/**
 * The `detail` of each event, by the event's name. Details with a frame's name are the frames of
 * docs/protocol.md; `pcm` of `audio` holds the decoded bytes.
 *
 * - `status`: `reason` is why the connection was lost, or why the call is closed.
 * - `microphone`: `code` is one of `ProblemCode` in repartee/audio/problems.js.
 * - `error`: an error for the user, from the server or from this client. A `CallError` that ends
 *   the call comes with its code, and `closed` follows.
 * - `closed`: the last event. `reason` is the server's, or one of this client's:
 *   `superseded_connection` (another connection took over the session), `session_ended` (it ended
 *   while the connection was lost), `left` (this client has left it), or the code of a `CallError`.
 * - `frame`: every frame, for diagnosis. The audio in it is replaced by its length, `data_bytes`.
 * @typedef {{
 *   "status": {status: Status, reason: string},
 *   "ready": import("./protocol/frames.js").Ready,
 *   "transcript": import("./protocol/frames.js").Transcript,
 *   "audio": import("./protocol/frames.js").ReplyAudio,
 *   "audio-level": {input: number, output: number},
 *   "interrupted": import("./protocol/frames.js").Interrupted,
 *   "tool": import("./protocol/frames.js").Tool,
 *   "turn-restarted": import("./protocol/frames.js").TurnRestarted,
 *   "reply-lost": import("./protocol/frames.js").ReplyLost,
 *   "turn-end": import("./protocol/frames.js").TurnEnd,
 *   "no-speech": import("./protocol/frames.js").NoSpeech,
 *   "speech-heard": import("./protocol/frames.js").SpeechHeard,
 *   "limit-reached": import("./errors.js").DailyLimit,
 *   "microphone": {code: string, detail: string},
 *   "error": {code: string, message: string},
 *   "closed": {reason: string},
 *   "frame": {direction: "sent" | "received", at_ms: number, frame: Record<string, unknown>},
 * }} CallEvents
 */

/** An event target whose events wait until the application can listen. */
export class CallEventTarget extends EventTarget {
  /** @type {CustomEvent[] | null} */
  #held = [];

  /**
   * @template {keyof CallEvents} Name
   * @overload
   * @param {Name} name
   * @param {(event: CustomEvent<CallEvents[Name]>) => void} listener
   * @param {boolean | AddEventListenerOptions} [options]
   * @returns {void}
   */
  /**
   * @overload
   * @param {string} name
   * @param {EventListenerOrEventListenerObject | null} listener
   * @param {boolean | AddEventListenerOptions} [options]
   * @returns {void}
   */
  /**
   * @param {string} name
   * @param {any} listener
   * @param {boolean | AddEventListenerOptions} [options]
   */
  addEventListener(name, listener, options) {
    super.addEventListener(name, listener, options);
  }

  /**
   * @template {keyof CallEvents} Name
   * @param {Name} name
   * @param {CallEvents[Name]} detail
   * @protected
   */
  emit(name, detail) {
    const event = new CustomEvent(name, { detail });
    if (this.#held === null) {
      this.dispatchEvent(event);
    } else if (name !== "audio-level") {
      this.#held.push(event);
    }
  }

  /**
   * Dispatches the events that wait.
   * @protected
   */
  dispatchHeld() {
    const held = this.#held ?? [];
    this.#held = null;
    held.forEach((event) => this.dispatchEvent(event));
  }
}

/** These errors are handled by the client, which sends the message again. */
const HANDLED = ["seq_taken", "session_ended", "superseded_connection", "hello_first"];

/** @type {ReadonlyMap<string, keyof CallEvents>} */
const NAMES = new Map([
  ["transcript", "transcript"],
  ["audio", "audio"],
  ["interrupted", "interrupted"],
  ["tool", "tool"],
  ["turn_restarted", "turn-restarted"],
  ["reply_lost", "reply-lost"],
  ["turn_end", "turn-end"],
  ["no_speech", "no-speech"],
  ["speech_heard", "speech-heard"],
  ["limit_reached", "limit-reached"],
  ["error", "error"],
]);

/**
 * Returns the name of the event for a frame; null if applications need not know of it.
 * @param {Frame | Answer} frame
 * @returns {keyof CallEvents | null}
 */
export function eventName(frame) {
  const isAnswer = frame.epoch === undefined;
  if (frame.type === "error" && isAnswer && (frame.retryable || HANDLED.includes(frame.code))) {
    return null;
  }
  return NAMES.get(frame.type) ?? null;
}

/**
 * Returns the JSON object of a frame without its audio.
 * @param {string} text
 * @returns {Record<string, unknown>}
 */
export function withoutAudio(text) {
  let frame;
  try {
    frame = JSON.parse(text);
  } catch {
    return { type: "not_json" };
  }
  if (typeof frame?.data !== "string") {
    return frame;
  }
  const { data, ...others } = frame;
  const paddingBytes = data.endsWith("==") ? 2 : Number(data.endsWith("="));
  return { ...others, data_bytes: (data.length / 4) * 3 - paddingBytes };
}
