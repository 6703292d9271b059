/**
 * The numbered messages of the client, and their JSON form.
 *
 * @module
 */

import { encodeBase64 } from "./base64.js";

/** @typedef {import("./frames.js").Position} Position */

/**
 * The first message of every connection. `resume_from` is absent if the client wants no earlier
 * output, and a server without a feature refuses the fields of that feature.
 *
 * @typedef {{type: "hello", resume_from?: Position, marks_speech?: true,
 *   features?: string[]}} Hello
 */

/**
 * A message before it has a number. `pcm` is PCM16 little-endian mono, 16 kHz.
 *
 * @typedef {Hello | {type: "audio", pcm: Uint8Array} | {type: "speech_start"}
 *   | {type: "speech_end"} | {type: "text", text: string} | {type: "stop"}
 *   | {type: "bye"}} Message
 */

const PROTOCOL_VERSION = 1;

/**
 * Encodes a numbered message.
 *
 * @param {number} seq
 * @param {Message} message
 * @returns {string}
 */
export function encodeMessage(seq, message) {
  switch (message.type) {
    case "hello":
      return JSON.stringify({ ...message, seq, protocol: PROTOCOL_VERSION });
    case "audio":
      return JSON.stringify({ type: "audio", seq, data: encodeBase64(message.pcm) });
    default:
      return JSON.stringify({ ...message, seq });
  }
}

/**
 * Encodes an acknowledgement of the received frames and of the played part of a turn.
 *
 * @param {Position} received
 * @param {number} turn
 * @param {number} playedMs
 * @returns {string}
 */
export function encodeAck(received, turn, playedMs) {
  return JSON.stringify({ type: "ack", received, turn, played_ms: playedMs });
}

/**
 * Encodes a ping; `owed` states that the client waits for an answer.
 *
 * @param {boolean} owed
 * @returns {string}
 */
export function encodePing(owed) {
  return JSON.stringify({ type: "ping", owed });
}
