/** The numbered messages of the client, and their JSON form. */

import { encodeBase64 } from "./base64.js";

/** @typedef {import("./frames.js").Position} Position */

/**
 * The first message of every connection. `resume_from` is absent if the client has received no
 * output.
 * @typedef {{type: "hello", resume_from?: Position, marks_speech?: true,
 *   features?: string[]}} Hello
 */

/**
 * A message before it has a number. `pcm` is PCM16 little-endian mono, 16 kHz.
 * @typedef {Hello | {type: "audio", pcm: Uint8Array} | {type: "speech_start"}
 *   | {type: "speech_end"} | {type: "text", text: string} | {type: "stop"}
 *   | {type: "bye"}} Message
 */

/** The feature of a server that takes `stop`. */
export const STOP = "stop";
const SPEECH_HEARD = "speech_heard";
const PROTOCOL_VERSION = 1;

/**
 * Returns the `hello` of a client. A server without a feature refuses the field of that feature.
 * @param {Position} received
 * @param {boolean} marksSpeech whether the client marks all speech
 * @param {readonly string[]} features the features of the server
 * @returns {Hello}
 */
export function helloOf(received, marksSpeech, features) {
  const used = [STOP, SPEECH_HEARD].filter((name) => features.includes(name));
  return {
    type: "hello",
    ...(received.seq > 0 && { resume_from: received }),
    ...(marksSpeech && features.includes("marks_speech") && { marks_speech: true }),
    ...(used.length > 0 && { features: used }),
  };
}

/**
 * Encodes a numbered message.
 * @param {number} seq
 * @param {Message} message
 * @returns {string}
 */
export function encodeMessage(seq, message) {
  switch (message.type) {
    case "hello": {
      const { type, ...fields } = message;
      return JSON.stringify({ type, seq, protocol: PROTOCOL_VERSION, ...fields });
    }
    case "audio":
      return JSON.stringify({ type: "audio", seq, data: encodeBase64(message.pcm) });
    case "text":
      return JSON.stringify({ type: "text", seq, text: message.text });
    default:
      return JSON.stringify({ type: message.type, seq });
  }
}

/**
 * Encodes an acknowledgement of the received frames and of the played part of a turn.
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
 * @param {boolean} owed
 * @returns {string}
 */
export function encodePing(owed) {
  return JSON.stringify({ type: "ping", owed });
}
