/**
 * @typedef {object} FrameEntry
 * @property {number} number counts from 1 over the whole log
 * @property {"sent" | "received"} direction
 * @property {number} at_ms Unix time
 * @property {Record<string, any>} frame
 * @property {string} text the frame as JSON
 */

/**
 * @typedef {object} FrameFilter
 * @property {string} [text] words that the frame's JSON holds, in any case
 * @property {"sent" | "received" | ""} [direction]
 * @property {boolean} [isQuiet] leaves out audio, acknowledgements and pings
 */

const MAX_FRAMES = 2_000;
const MAX_CHARACTERS = 1_000_000;
const ROUTINE = new Set(["audio", "ack", "accepted", "ping", "pong", "missing"]);

/** The latest frames of both directions, within a bound of memory. */
export class FrameLog {
  /** @type {FrameEntry[]} */
  #entries = [];
  #characters = 0;
  #count = 0;
  #maxFrames;
  #maxCharacters;

  /** @param {{maxFrames?: number, maxCharacters?: number}} [bounds] */
  constructor({ maxFrames = MAX_FRAMES, maxCharacters = MAX_CHARACTERS } = {}) {
    this.#maxFrames = maxFrames;
    this.#maxCharacters = maxCharacters;
  }

  /** The kept frames, oldest first. */
  get entries() {
    return this.#entries;
  }

  /** How many frames were added in all. */
  get count() {
    return this.#count;
  }

  /** How many frames were dropped to keep the bound. */
  get dropped() {
    return this.#count - this.#entries.length;
  }

  /**
   * Adds a frame, and drops the oldest ones beyond the bound.
   * @param {{direction: "sent" | "received", at_ms: number, frame: Record<string, any>}} event
   */
  add({ direction, at_ms, frame }) {
    const text = JSON.stringify(frame);
    this.#count += 1;
    this.#characters += text.length;
    this.#entries.push({ number: this.#count, direction, at_ms, frame, text });
    let excess = 0;
    while (
      this.#entries.length - excess > this.#maxFrames || this.#characters > this.#maxCharacters
    ) {
      this.#characters -= this.#entries[excess].text.length;
      excess += 1;
    }
    if (excess) this.#entries = this.#entries.slice(excess);
  }
}

/**
 * Returns the frames that a filter lets through.
 * @param {readonly FrameEntry[]} entries
 * @param {FrameFilter} filter
 */
export function filtered(entries, { text = "", direction = "", isQuiet = false }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter((entry) => {
    if (direction && entry.direction !== direction) return false;
    if (isQuiet && ROUTINE.has(entry.frame.type)) return false;
    const searched = entry.text.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
}
