/**
 * @typedef {object} Input What the user said or typed for one turn.
 * @property {"speech" | "text"} kind
 * @property {number} startMs
 * @property {number | null} endMs null while the user speaks
 * @property {number} lastSeq the number of its last message
 */

const MAX_WAITING = 25;

/** The user's inputs that no turn has claimed, in their order. */
export class Inputs {
  /** @type {Input[]} */
  #waiting = [];
  /** @type {Input | null} */
  #speech = null;
  #lastSeq = 0;

  /**
   * Adds what a sent frame says about the user's input.
   * @param {Record<string, any>} frame
   * @param {number} atMs
   */
  sent(frame, atMs) {
    if (frame.type === "hello" && frame.seq === 1) this.#restart();
    // A number that was sent before is a repetition.
    if (!(frame.seq > this.#lastSeq)) return;
    this.#lastSeq = frame.seq;
    if (frame.type === "speech_start") {
      this.#speech = { kind: "speech", startMs: atMs, endMs: null, lastSeq: frame.seq };
      this.#add(this.#speech);
    } else if (frame.type === "speech_end" && this.#speech) {
      Object.assign(this.#speech, { endMs: atMs, lastSeq: frame.seq });
      this.#speech = null;
    } else if (frame.type === "text") {
      this.#add({ kind: "text", startMs: atMs, endMs: atMs, lastSeq: frame.seq });
    }
  }

  /**
   * Takes the first input for the turn that answers it.
   * @param {{mayBeUnfinished: boolean}} options whether the user may still be speaking
   * @returns {Input | null} null if there is none
   */
  claim({ mayBeUnfinished }) {
    const isUnfinished = this.#waiting[0]?.endMs === null;
    return isUnfinished && !mayBeUnfinished ? null : this.#waiting.shift() ?? null;
  }

  /**
   * Joins speech that ended before the reply to `input` began: that reply answers it too.
   * @param {Input} input
   */
  joinFinished(input) {
    while (input.kind === "speech" && this.#waiting[0]?.kind === "speech") {
      const next = this.#waiting[0];
      if (next.endMs === null) return;
      this.#waiting.shift();
      Object.assign(input, { endMs: next.endMs, lastSeq: next.lastSeq });
    }
  }

  /**
   * Drops inputs in which the server found no speech.
   * @param {number} throughSeq the number of their last message
   */
  drop(throughSeq) {
    this.#waiting = this.#waiting.filter(
      (one) => one.kind === "text" || one.endMs === null || one.lastSeq > throughSeq,
    );
  }

  #restart() {
    this.#waiting = [];
    this.#speech = null;
    this.#lastSeq = 0;
  }

  /** @param {Input} input */
  #add(input) {
    this.#waiting = [...this.#waiting, input].slice(-MAX_WAITING);
  }
}
