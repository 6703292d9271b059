/**
 * Numbers the client's messages, keeps them until they are accepted, and schedules resends.
 *
 * A message has a place and a sequence number. The place counts this client's messages from 1 and
 * never changes. The sequence number is sent to the server. The two are equal until the server
 * reports that a number is taken.
 */

import { earliest } from "./deadlines.js";
import { encodeMessage } from "./messages.js";

/** @typedef {import("./messages.js").Message} Message */
/** @typedef {{place: number, message: Message, sentAtMs: number | null}} Kept */

/**
 * How many accepted messages are kept. An accepted number may belong to the message of another
 * client in the same session; then this client's message is sent again under another number.
 */
const MAX_KEPT_ACCEPTED = 64;

/**
 * The client's numbered messages and their acceptance. Before `open` only `hello` is sent.
 * Afterwards at most `maxInFlight` messages are sent and not accepted.
 */
export class ClientOutbox {
  /** The worker has accepted all messages up to this place. */
  acceptedThrough = 0;

  /** @type {number[]} */
  #seqs = [];
  #nextSeq = 1;
  #acceptedSeq = 0;
  #maxInFlight = 0;
  /**
   * The places of messages that were never sent, in order: minutes of audio may wait here.
   * @type {Set<number>}
   */
  #waiting = new Set();
  /** @type {Map<number, Kept>} */
  #kept = new Map();
  /** @type {Map<number, Kept>} */
  #accepted = new Map();
  /** @type {Kept | null} */
  #hello = null;
  #mustSendHello = false;
  /**
   * When to send a message again, by place.
   * @type {Map<number, number>}
   */
  #resendAtMs = new Map();

  /**
   * Numbers and queues a message; returns its place.
   * @param {Message} message
   */
  put(message) {
    this.#seqs.push(this.#nextSeq);
    this.#nextSeq += 1;
    const place = this.#seqs.length;
    const kept = { place, message, sentAtMs: null };
    this.#kept.set(place, kept);
    if (message.type === "hello") {
      this.#hello = kept;
      this.#mustSendHello = true;
    } else {
      this.#waiting.add(place);
    }
    return place;
  }

  /** Sends the newest `hello` again, because it or the answer to it was lost. */
  resendHello() {
    this.#mustSendHello = this.#hello !== null;
  }

  /**
   * Allows messages to be sent, because the server has answered `ready`.
   * @param {number} maxInFlight
   */
  open(maxInFlight) {
    this.#maxInFlight = maxInFlight;
  }

  /** The typed texts that were never sent, in order. */
  get unsentTexts() {
    return [...this.#waiting].flatMap((place) => {
      const message = this.#kept.get(place)?.message;
      return message?.type === "text" ? [message.text] : [];
    });
  }

  /**
   * Numbers the messages that the server cannot have from `nextSeq` on, the next number in
   * `ready`. It has no effect once a message was sent after the newest `hello`.
   * @param {number} nextSeq
   */
  renumberFrom(nextSeq) {
    const hello = this.#hello;
    if (this.#maxInFlight || hello === null || nextSeq === this.#seqOf(hello.place) + 1) {
      return;
    }
    // Another client used the number of this `hello`, but the server has processed it.
    this.#kept.delete(hello.place);
    const unknown = [...this.#kept.values()]
      .filter(({ place, sentAtMs }) => sentAtMs === null || this.#seqOf(place) >= nextSeq)
      .map(({ place }) => place);
    this.#number(unknown.sort((one, other) => one - other), nextSeq);
  }

  /**
   * Sends a message again under a free number, because its number is taken. A chunk of audio is
   * dropped instead: audio in the wrong place is worse than silence.
   * @param {number} seq
   * @param {number} nextSeq
   * @param {number} nowMs
   */
  resendRenumbered(seq, nextSeq, nowMs) {
    const known = [...this.#accepted.values(), ...this.#kept.values()];
    const found = known.find(({ place }) => this.#seqOf(place) === seq);
    if (found === undefined || this.#waiting.has(found.place)) {
      return;
    }
    const { place, message } = found;
    this.#accepted.delete(place);
    this.#kept.delete(place);
    this.#resendAtMs.delete(place);
    if (message.type === "audio" || message.type === "hello") {
      return;
    }
    const out = [...this.#kept.keys()].filter((other) => !this.#waiting.has(other));
    this.#kept.set(place, found);
    const firstSeq = Math.max(nextSeq, ...out.map((other) => this.#seqOf(other) + 1));
    this.#number([place, ...this.#waiting], firstSeq);
    this.#resendAtMs.set(place, nowMs);
  }

  /**
   * Stops sending until the next `ready`, and then resends what was not accepted. This includes an
   * earlier `hello` that was never sent because its connection broke.
   * @param {number} nowMs
   */
  reconnected(nowMs) {
    this.#maxInFlight = 0;
    const out = [...this.#kept.keys()].filter((place) => !this.#waiting.has(place));
    this.#resendAtMs = new Map(out.map((place) => [place, nowMs]));
  }

  /**
   * Returns whether the message at `place` has a number up to `throughSeq`.
   * @param {number} place
   * @param {number} throughSeq
   */
  isWithin(place, throughSeq) {
    return this.#seqOf(place) <= throughSeq;
  }

  /** The number of messages that were sent and are not accepted. */
  get inFlight() {
    return [...this.#kept.values()].filter(({ sentAtMs }) => sentAtMs !== null).length;
  }

  /** When the oldest unaccepted message was sent, or null; `hello` does not count. */
  get unacceptedSinceMs() {
    const others = [...this.#kept.values()].filter((kept) => kept !== this.#hello);
    return earliest(others.map(({ sentAtMs }) => sentAtMs));
  }

  /**
   * Marks messages with numbers up to `through` as accepted. The worker may give up a number whose
   * message is still queued. The message is sent anyway, because the worker may still accept
   * control messages.
   * @param {number} through
   */
  accepted(through) {
    this.#acceptedSeq = Math.max(this.#acceptedSeq, through);
    const last = this.#seqs.length;
    while (this.acceptedThrough < last && this.isWithin(this.acceptedThrough + 1, through)) {
      this.acceptedThrough += 1;
    }
    for (const [place, kept] of this.#kept) {
      if (this.isWithin(place, through) && !this.#waiting.has(place)) {
        this.#kept.delete(place);
        this.#accepted.set(place, kept);
      }
    }
    for (const place of this.#accepted.keys()) {
      if (this.#accepted.size <= MAX_KEPT_ACCEPTED) {
        break;
      }
      this.#accepted.delete(place);
    }
  }

  /**
   * Queues the messages with these numbers again, except those that were never sent.
   * @param {number} firstSeq
   * @param {number} lastSeq
   * @param {number} atMs
   */
  resend(firstSeq, lastSeq, atMs) {
    for (const place of this.#kept.keys()) {
      const seq = this.#seqOf(place);
      if (firstSeq <= seq && seq <= lastSeq && !this.#waiting.has(place)) {
        this.#resendAtMs.set(place, atMs);
      }
    }
  }

  /**
   * Queues all unaccepted messages again, because an unknown one of them was lost. `hello` is not
   * queued: `ready` shows whether it arrived.
   * @param {number} atMs
   */
  resendAll(atMs) {
    for (const kept of this.#kept.values()) {
      const isOut = kept.sentAtMs !== null && !this.#resendAtMs.has(kept.place);
      if (isOut && kept !== this.#hello) {
        this.#resendAtMs.set(kept.place, atMs);
      }
    }
  }

  /**
   * Gives up the message with this number; returns false for a `hello` or an unknown one.
   * @param {number} seq
   */
  drop(seq) {
    const place = [...this.#kept.keys()].find((one) => this.#seqOf(one) === seq);
    if (place === undefined || this.#waiting.has(place) || place === this.#hello?.place) {
      return false;
    }
    return this.#kept.delete(place);
  }

  /**
   * Returns the text frames that may be sent now, in order, and marks them as sent.
   * @param {number} nowMs
   * @returns {string[]}
   */
  due(nowMs) {
    /** @type {string[]} */
    const texts = [];
    if (this.#mustSendHello && this.#hello !== null) {
      this.#mustSendHello = false;
      texts.push(this.#text(this.#hello, nowMs));
    }
    if (!this.#maxInFlight) {
      return texts;
    }
    const again = [...this.#resendAtMs].filter(([, atMs]) => atMs <= nowMs);
    for (const [place] of again.sort(([one], [other]) => one - other)) {
      this.#resendAtMs.delete(place);
      texts.push(...this.#send(place, nowMs));
    }
    const room = Math.max(0, this.#maxInFlight - this.inFlight);
    for (const place of [...this.#waiting].slice(0, room)) {
      this.#waiting.delete(place);
      texts.push(...this.#send(place, nowMs));
    }
    return texts;
  }

  /** When the next delayed message may be sent; null if none is delayed. */
  get nextDeadlineMs() {
    return earliest([...this.#resendAtMs.values()]);
  }

  /**
   * @param {number} place
   * @param {number} nowMs
   */
  #send(place, nowMs) {
    const kept = this.#kept.get(place);
    if (kept === undefined) {
      return [];
    }
    if (this.isWithin(place, this.#acceptedSeq)) {
      this.#kept.delete(place);
    }
    return [this.#text(kept, nowMs)];
  }

  /**
   * @param {Kept} kept
   * @param {number} nowMs
   */
  #text(kept, nowMs) {
    kept.sentAtMs ??= nowMs;
    return encodeMessage(this.#seqOf(kept.place), kept.message);
  }

  /**
   * @param {number[]} places
   * @param {number} firstSeq
   */
  #number(places, firstSeq) {
    places.forEach((place, index) => {
      this.#seqs[place - 1] = firstSeq + index;
    });
    this.#nextSeq = firstSeq + places.length;
    // Their earlier numbers may have been accepted for another client's messages.
    this.acceptedThrough = Math.min(this.acceptedThrough, ...places.map((place) => place - 1));
  }

  /** @param {number} place */
  #seqOf(place) {
    return this.#seqs[place - 1];
  }
}
