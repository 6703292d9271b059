import { OUTPUT_BYTES_PER_MS } from "../../repartee/pcm.js";
import { Inputs } from "./inputs.js";

/**
 * @typedef {import("./inputs.js").Input} Input
 *
 * @typedef {object} ToolSpan
 * @property {string} name
 * @property {number} startMs
 * @property {number | null} endMs null while it runs
 * @property {string} phase `started`, `done`, `failed` or `cancelled`
 *
 * @typedef {object} TurnTimeline
 * @property {number} turn
 * @property {Input | null} input null for a turn without input that the client marked
 * @property {number | null} heardMs when the server reported the user's speech
 * @property {number | null} firstAudioMs when the first reply audio arrived
 * @property {number} audioMs length of the reply audio that arrived
 * @property {ToolSpan[]} tools
 * @property {number | null} interruptedMs
 * @property {number} restarts
 * @property {number | null} endMs
 * @property {number | null} serverFirstAudioMs `first_audio_ms` of the turn's end
 * @property {number | null} costUsd
 */

/**
 * @typedef {object} FrameEvent
 * @property {"sent" | "received"} direction
 * @property {number} at_ms Unix time
 * @property {Record<string, any>} frame its audio is replaced by its length, `data_bytes`
 */

const MAX_TURNS = 50;

/** The timelines of the latest turns, made from the frames of both directions. */
export class TurnTimelines {
  /** @type {TurnTimeline[]} */
  #turns = [];
  #inputs = new Inputs();
  /** @type {string | null} */
  #conversationId = null;
  #maxTurns;

  /** @param {{maxTurns?: number}} [bounds] */
  constructor({ maxTurns = MAX_TURNS } = {}) {
    this.#maxTurns = maxTurns;
  }

  /** The timelines, by the numbers of their turns. */
  get turns() {
    return this.#turns;
  }

  /**
   * Adds what a frame says about its turn.
   * @param {FrameEvent} event
   */
  add({ direction, at_ms, frame }) {
    if (direction === "sent") this.#inputs.sent(frame, at_ms);
    else this.#received(frame, at_ms);
  }

  /**
   * @param {Record<string, any>} frame
   * @param {number} atMs
   */
  #received(frame, atMs) {
    if (frame.type === "ready") this.#enter(frame.conversation_id);
    else if (frame.type === "no_speech") this.#inputs.drop(frame.through);
    else if (frame.type === "turn_restarted") this.#restart(frame.turn);
    else if (typeof frame.turn === "number") this.#record(this.#turn(frame.turn), frame, atMs);
  }

  /**
   * @param {TurnTimeline} turn
   * @param {Record<string, any>} frame
   * @param {number} atMs
   */
  #record(turn, frame, atMs) {
    const isOpen = turn.firstAudioMs === null && turn.endMs === null;
    if (isOpen) turn.input ??= this.#inputs.claim({ mayBeUnfinished: isOfUser(frame) });
    switch (frame.type) {
      case "speech_heard":
        turn.heardMs ??= atMs;
        break;
      case "audio":
        this.#recordAudio(turn, frame.data_bytes ?? 0, atMs);
        break;
      case "tool":
        recordTool(turn.tools, frame, atMs);
        break;
      case "interrupted":
        turn.interruptedMs ??= atMs;
        break;
      case "turn_end":
        turn.endMs = atMs;
        turn.costUsd = frame.cost_usd;
        turn.serverFirstAudioMs = frame.first_audio_ms;
        break;
    }
  }

  /**
   * @param {TurnTimeline} turn
   * @param {number} bytes
   * @param {number} atMs
   */
  #recordAudio(turn, bytes, atMs) {
    // An empty chunk stands for audio that is no longer buffered.
    if (!bytes) return;
    if (turn.firstAudioMs === null) {
      turn.firstAudioMs = atMs;
      if (turn.input) this.#inputs.joinFinished(turn.input);
    }
    turn.audioMs += bytes / OUTPUT_BYTES_PER_MS;
  }

  /** @param {string} conversationId */
  #enter(conversationId) {
    // Each conversation counts its turns from 1.
    if (this.#conversationId !== null && this.#conversationId !== conversationId) this.#turns = [];
    this.#conversationId = conversationId;
  }

  /** @param {number} number */
  #restart(number) {
    this.#turn(number);
    for (const turn of this.#turns) {
      if (turn.turn < number) continue;
      Object.assign(turn, { ...emptyTurn(turn.turn, turn.input), restarts: turn.restarts + 1 });
    }
  }

  /** @param {number} number */
  #turn(number) {
    const known = this.#turns.find((one) => one.turn === number);
    if (known) return known;
    const turn = emptyTurn(number, null);
    this.#turns = [...this.#turns, turn].sort((one, other) => one.turn - other.turn);
    this.#turns = this.#turns.slice(-this.#maxTurns);
    return turn;
  }
}

/** @param {Record<string, any>} frame */
function isOfUser({ type, role }) {
  return type === "speech_heard" || (type === "transcript" && role === "user");
}

/**
 * @param {number} turn
 * @param {Input | null} input
 * @returns {TurnTimeline}
 */
function emptyTurn(turn, input) {
  return {
    turn, input, heardMs: null, firstAudioMs: null, audioMs: 0, tools: [],
    interruptedMs: null, restarts: 0, endMs: null, serverFirstAudioMs: null, costUsd: null,
  };
}

/**
 * @param {ToolSpan[]} tools
 * @param {Record<string, any>} frame
 * @param {number} atMs
 */
function recordTool(tools, { name, phase }, atMs) {
  if (phase === "started") {
    tools.push({ name, startMs: atMs, endMs: null, phase });
    return;
  }
  const running = tools.find((one) => one.name === name && one.endMs === null);
  if (running) Object.assign(running, { endMs: atMs, phase });
}
