/** Decodes the JSON text frames that the server sends. */

import { decodeBase64 } from "./base64.js";
import { ANSWERS, FRAMES, NUMBERED } from "./forms.js";

/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./frames.js").Answer} Answer */
/** @typedef {import("./forms.js").Form} Form */

/**
 * A worker's frame with its number. `frame` is null for an unknown type, which counts as received.
 * @typedef {{kind: "numbered", epoch: number, seq: number, frame: Frame | null}} NumberedFrame
 */

/**
 * `undelivered` is API Gateway's report that it could not deliver one of the client's messages; it
 * does not name the message. `unknown` is an answer of a later server.
 * @typedef {NumberedFrame | {kind: "answer", answer: Answer} | {kind: "undelivered"}
 *   | {kind: "unknown"}} ServerMessage
 */

/** The server sent a text that is not a message of the protocol. */
export class BadServerMessageError extends Error {
  name = "BadServerMessageError";
}

const SHOWN_CHARACTERS = 80;

/**
 * Decodes one message. Unknown members are ignored, so that a newer server can add some.
 *
 * Throws a `BadServerMessageError` if the text is not a JSON object with a type, or if a member of
 * a known type is invalid.
 * @param {string} text
 * @returns {ServerMessage}
 */
export function decodeServerMessage(text) {
  const members = parsed(text);
  const { type } = members;
  if (typeof type !== "string") {
    if (["message", "connectionId", "requestId"].every((name) => Object.hasOwn(members, name))) {
      return { kind: "undelivered" };
    }
    throw new BadServerMessageError(`no JSON object with a type: ${shown(text)}`);
  }
  try {
    if (!Object.hasOwn(members, "epoch")) {
      const form = formOf(ANSWERS, type);
      return form === undefined
        ? { kind: "unknown" }
        : { kind: "answer", answer: /** @type {Answer} */ (decoded(type, members, form)) };
    }
    const number = taken(members, NUMBERED);
    const form = formOf(FRAMES, type);
    const frame = form === undefined ? null : { ...decoded(type, members, form), ...number };
    return /** @type {NumberedFrame} */ ({ kind: "numbered", ...number, frame });
  } catch (error) {
    if (error instanceof BadServerMessageError) {
      throw new BadServerMessageError(`malformed ${type}: ${error.message}`);
    }
    throw error;
  }
}

/**
 * @param {Readonly<Record<string, Form>>} forms
 * @param {string} type
 */
function formOf(forms, type) {
  return Object.hasOwn(forms, type) ? forms[type] : undefined;
}

/**
 * @param {string} text
 * @returns {Record<string, unknown>}
 */
function parsed(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadServerMessageError(`not JSON: ${shown(text)}`);
  }
  if (typeof value !== "object" || value === null) {
    throw new BadServerMessageError(`no JSON object with a type: ${shown(text)}`);
  }
  return value;
}

/**
 * @param {string} type
 * @param {Record<string, unknown>} members
 * @param {Form} form
 */
function decoded(type, members, form) {
  const { data, ...others } = taken(members, form);
  if (data === undefined) {
    return { type, ...others };
  }
  try {
    return { type, ...others, pcm: decodeBase64(String(data)) };
  } catch {
    throw new BadServerMessageError("data is not base64");
  }
}

/**
 * @param {Record<string, unknown>} members
 * @param {Form} form
 * @returns {Record<string, unknown>}
 */
function taken(members, form) {
  /** @type {Record<string, unknown>} */
  const values = {};
  for (const [name, rule] of Object.entries(form)) {
    const [check, byDefault] = Array.isArray(rule) ? rule : [rule, undefined];
    const value = Object.hasOwn(members, name) ? members[name] : byDefault;
    if (value === undefined) {
      throw new BadServerMessageError(`${name} is missing`);
    }
    if (!check(value)) {
      throw new BadServerMessageError(`${name} is ${shown(JSON.stringify(value))}`);
    }
    values[name] = value;
  }
  return values;
}

/** @param {string} text */
function shown(text) {
  return text.slice(0, SHOWN_CHARACTERS);
}
