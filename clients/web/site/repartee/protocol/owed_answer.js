/** Decides whether the user's latest request is answered completely. */

/** @typedef {import("./frames.js").TurnEnd} TurnEnd */

// Turns are numbered from 1.
const NO_TURN = 0;

/** The answer that the server owes to the user's latest utterance or text. */
export class OwedAnswer {
  /**
   * Since when the answer is owed; null if none is owed.
   * @type {number | null}
   */
  sinceMs = null;
  /** The place of the latest request in the outbox; 0 before any. */
  requestPlace = 0;

  #openTools = 0;
  /**
   * The turn of the agent's greeting, which is the first reply; null before any reply.
   * @type {number | null}
   */
  #greetingTurn = null;

  /**
   * @param {number} place
   * @param {number} nowMs
   */
  requested(place, nowMs) {
    this.requestPlace = place;
    this.sinceMs = nowMs;
  }

  /** Nothing more is owed for the latest request. */
  settle() {
    this.sinceMs = null;
  }

  /** @param {number} turn */
  replied(turn) {
    this.#greetingTurn ??= turn;
  }

  /** @param {number} turn */
  restarted(turn) {
    if (this.#greetingTurn === turn) {
      this.#greetingTurn = null;
    }
    this.#openTools = 0;
  }

  /**
   * @param {string} phase
   * @param {number} nowMs
   */
  toolUsed(phase, nowMs) {
    // A later turn without input may speak the result, and is no greeting.
    this.#greetingTurn ??= NO_TURN;
    this.#openTools = Math.max(0, this.#openTools + (phase === "started" ? 1 : -1));
    this.sinceMs ??= nowMs;
  }

  replyLost() {
    // A later turn without input may repeat the reply, and is no greeting.
    this.#greetingTurn ??= NO_TURN;
  }

  /** The turn that ends next was given up, so it is no greeting. */
  givenUp() {
    this.#greetingTurn = null;
  }

  /**
   * A turn that began before the latest request does not answer it. Nor does the agent's greeting,
   * which has no input.
   * @param {TurnEnd} frame
   * @param {boolean} isRequestAccepted
   */
  turnEnded(frame, isRequestAccepted) {
    const isGreeting = frame.turn === this.#greetingTurn && frame.first_audio_ms === null;
    if (isRequestAccepted && !isGreeting && this.#openTools === 0) {
      this.settle();
    }
  }

  /** @param {boolean} isLatest whether the input without speech was the latest request */
  noSpeech(isLatest) {
    if (isLatest && this.#openTools === 0) {
      this.settle();
    }
  }
}
