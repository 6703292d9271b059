/** Orders the server's numbered frames, drops duplicates and frames of a replaced worker. */

/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./frames.js").Position} Position */
/** @typedef {import("./decoding.js").NumberedFrame} NumberedFrame */

/**
 * Takes frames in any order and returns them in the order of `(epoch, seq)`.
 *
 * A worker does not continue a turn of its predecessor. When a new epoch begins, the inbox returns
 * `turn_restarted` for each open turn, because the frame itself may have been lost with its worker.
 */
export class ClientInbox {
  /**
   * All frames up to this position were received.
   * @type {Position}
   */
  position = { epoch: 0, seq: 0 };

  /** @type {Map<number, NumberedFrame>} */
  #waiting = new Map();
  /** @type {Set<number>} */
  #openTurns = new Set();
  /** @type {Set<number>} */
  #discardedTurns = new Set();
  #endedThrough = 0;
  #isJoining = false;

  /**
   * Begins with the first frame that arrives, because earlier frames went to another client. It
   * has no effect if this client has already received a frame.
   */
  join() {
    this.#isJoining ||= this.position.seq === 0;
  }

  /**
   * Begins with the first frame that arrives after `position`. It is the next frame, unless an
   * earlier client of the session has received and acknowledged more than it saved.
   * @param {Position} position
   */
  resumeAt({ epoch, seq }) {
    this.position = { epoch, seq };
    this.#isJoining = true;
  }

  /**
   * Adds one frame and returns the frames that are now in order.
   * @param {NumberedFrame} arrived
   * @returns {Frame[]}
   */
  put(arrived) {
    const { epoch, seq } = arrived;
    const isEarlier = epoch === this.position.epoch && seq <= this.position.seq;
    if (epoch < this.position.epoch || isEarlier) {
      return [];
    }
    if (this.#isJoining) {
      this.position = { epoch, seq: seq - 1 };
      this.#isJoining = false;
    }
    if (epoch > this.position.epoch) {
      // A new worker numbers its frames from 1.
      this.position = { epoch, seq: 0 };
      this.#waiting.clear();
      this.#openTurns.forEach((turn) => this.#discardedTurns.add(turn));
      this.#openTurns.clear();
    }
    this.#waiting.set(seq, arrived);
    return this.#inOrder();
  }

  #inOrder() {
    /** @type {Frame[]} */
    const ordered = [];
    for (;;) {
      const { epoch, seq } = this.position;
      const following = this.#waiting.get(seq + 1);
      if (following === undefined) {
        return ordered;
      }
      this.#waiting.delete(seq + 1);
      this.position = { epoch, seq: seq + 1 };
      if (following.frame !== null) {
        ordered.push(...this.#withRestarts(following.frame));
      }
    }
  }

  /**
   * Returns the frame, preceded by the restarts of its predecessor's open turns.
   * @param {Frame} frame
   * @returns {Frame[]}
   */
  #withRestarts(frame) {
    switch (frame.type) {
      case "turn_restarted":
        this.#discardedTurns.delete(frame.turn);
        this.#openTurns.delete(frame.turn);
        break;
      case "audio":
      case "transcript":
        if (frame.turn > this.#endedThrough) {
          this.#openTurns.add(frame.turn);
        }
        break;
      case "turn_end":
        this.#openTurns.delete(frame.turn);
        this.#endedThrough = Math.max(this.#endedThrough, frame.turn);
        break;
      default:
    }
    const { epoch, seq } = frame;
    const turns = [...this.#discardedTurns].sort((one, other) => one - other);
    this.#discardedTurns.clear();
    return [
      ...turns.map((turn) => ({ type: /** @type {const} */ ("turn_restarted"), turn, epoch, seq })),
      frame,
    ];
  }
}
