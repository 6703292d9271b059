/** What received frames change. */

/** @typedef {import("./frames.js").Answer} Answer */
/** @typedef {import("./frames.js").Closed} Closed */
/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./frames.js").Problem} Problem */
/** @typedef {import("./frames.js").Ready} Ready */
/** @typedef {import("./frames.js").Refused} Refused */

/** The wait after the server refused a message because too many were in flight. */
const RESEND_REFUSED_AFTER_MS = 1_000;
const FATAL = ["too_many_errors", "protocol_unknown"];

/** Applies the frames of the server to the parts of a session. */
export class FrameEffects {
  /**
   * The server's answer to the newest `hello`; null until it arrives.
   * @type {Ready | null}
   */
  ready = null;
  /**
   * The session's last frame; null until it arrives.
   * @type {Closed | null}
   */
  closed = null;
  /**
   * The refusal after which the call cannot go on; null until it arrives.
   * @type {Refused | null}
   */
  refusal = null;

  #outbox;
  #inbox;
  #playback;
  #owed;
  #deadlines;
  #maxInFlight = 0;

  /**
   * @param {object} parts
   * @param {import("./outbox.js").ClientOutbox} parts.outbox
   * @param {import("./inbox.js").ClientInbox} parts.inbox
   * @param {import("./playback.js").Playback} parts.playback
   * @param {import("./owed_answer.js").OwedAnswer} parts.owed
   * @param {import("./deadlines.js").Deadlines} parts.deadlines
   */
  constructor({ outbox, inbox, playback, owed, deadlines }) {
    this.#outbox = outbox;
    this.#inbox = inbox;
    this.#playback = playback;
    this.#owed = owed;
    this.#deadlines = deadlines;
  }

  /**
   * @param {Answer} answer
   * @param {number} nowMs
   */
  applyAnswer(answer, nowMs) {
    switch (answer.type) {
      case "ready":
        this.#onReady(answer);
        break;
      case "busy":
        if (answer.seq !== null) {
          this.#outbox.resend(answer.seq, answer.seq, nowMs + answer.retry_after_ms);
        }
        break;
      case "accepted":
        this.#outbox.accepted(answer.through);
        break;
      case "error":
        this.#recover(answer, nowMs);
        break;
      default:
    }
  }

  /** @param {Ready} ready */
  #onReady(ready) {
    if (ready.next_seq !== null) {
      this.#outbox.renumberFrom(ready.next_seq);
    }
    if (ready.output_kept) {
      this.#inbox.join();
    }
    this.ready = ready;
    this.#maxInFlight = ready.max_in_flight;
    this.#outbox.open(ready.max_in_flight);
  }

  /**
   * @param {Refused} refused
   * @param {number} nowMs
   */
  #recover(refused, nowMs) {
    const { code, seq } = refused;
    if (code === "seq_taken" && seq !== null && refused.next_seq !== null) {
      this.#outbox.resendRenumbered(seq, refused.next_seq, nowMs);
    } else if (code === "hello_first") {
      this.ready = null;
      this.#deadlines.helloSent(nowMs);
      this.#outbox.reconnected(nowMs);
      this.#outbox.resendHello();
    } else if (refused.retryable) {
      if (seq !== null) {
        this.#outbox.resend(seq, seq, nowMs + RESEND_REFUSED_AFTER_MS);
      }
    } else if (seq !== null && !FATAL.includes(code) && this.#outbox.drop(seq)) {
      // The worker skips the number of the refused message.
      const place = this.#owed.requestPlace;
      if (place > 0 && this.#outbox.isWithin(place, seq)) {
        this.#owed.settle();
      }
    } else if (this.closed === null) {
      this.refusal = refused;
    }
  }

  /**
   * @param {Frame} frame
   * @param {number} nowMs
   */
  apply(frame, nowMs) {
    const { requestPlace } = this.#owed;
    switch (frame.type) {
      case "accepted":
        this.#outbox.accepted(frame.through);
        break;
      case "missing":
        if (this.ready === null && this.#maxInFlight > 0) {
          // `ready` was lost, but the worker has the `hello` and waits for input.
          this.#outbox.open(this.#maxInFlight);
        }
        this.#outbox.resend(frame.first_seq, frame.last_seq, nowMs);
        break;
      case "audio":
        this.#owed.replied(frame.turn);
        this.#playback.arrived(frame.turn, frame.pcm, nowMs);
        break;
      case "interrupted":
        this.#playback.stop(frame.turn, nowMs);
        this.#deadlines.acknowledgeBy(nowMs);
        break;
      case "turn_restarted":
        this.#playback.restart(frame.turn, nowMs);
        this.#owed.restarted(frame.turn);
        break;
      case "tool":
        this.#owed.toolUsed(frame.phase, nowMs);
        break;
      case "reply_lost":
        this.#owed.replyLost();
        break;
      case "turn_end":
        this.#deadlines.acknowledgeBy(nowMs);
        this.#owed.turnEnded(frame, this.#outbox.acceptedThrough >= requestPlace);
        break;
      case "error":
        this.#applyProblem(frame, nowMs);
        break;
      case "no_speech":
        this.#owed.noSpeech(
          requestPlace === 0 || this.#outbox.isWithin(requestPlace, frame.through),
        );
        break;
      case "closed":
        this.closed = frame;
        this.#owed.settle();
        this.#deadlines.acknowledgeBy(nowMs);
        break;
      default:
    }
  }

  /**
   * @param {Problem} problem
   * @param {number} nowMs
   */
  #applyProblem({ code, refused_seq: seq, next_seq: nextSeq }, nowMs) {
    if (code === "no_answer") {
      this.#owed.givenUp();
    } else if (code === "seq_taken" && seq !== null && nextSeq !== null) {
      this.#outbox.resendRenumbered(seq, nextSeq, nowMs);
    }
  }
}
