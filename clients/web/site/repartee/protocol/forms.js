/** The members of each frame that the server sends, with their types. */

/** @typedef {(value: unknown) => boolean} Check */

/**
 * The members of a frame. A member that the server may omit has a default.
 * @typedef {Readonly<Record<string, Check | [Check, unknown]>>} Form
 */

const isText = /** @type {Check} */ ((value) => typeof value === "string");
const isFlag = /** @type {Check} */ ((value) => typeof value === "boolean");
const isNumber = /** @type {Check} */ ((value) => Number.isFinite(value));
const isInteger = /** @type {Check} */ ((value) => Number.isInteger(value));
const isPositive = /** @type {Check} */ ((value) => isInteger(value) && Number(value) >= 1);
const isIntegerOrNull = /** @type {Check} */ ((value) => value === null || isInteger(value));
const isRole = /** @type {Check} */ ((value) => value === "user" || value === "model");
const isTexts = /** @type {Check} */ ((value) => Array.isArray(value) && value.every(isText));

/**
 * The frames of a worker by type.
 * @type {Readonly<Record<string, Form>>}
 */
export const FRAMES = {
  accepted: { through: isInteger },
  missing: { first_seq: isInteger, last_seq: isInteger },
  audio: { turn: isInteger, data: isText },
  transcript: { turn: isInteger, role: isRole, text: isText, final: isFlag },
  interrupted: { turn: isInteger },
  tool: { turn: isInteger, name: isText, phase: isText },
  turn_restarted: { turn: isInteger },
  reply_lost: { turn: isInteger, text: isText },
  turn_end: {
    turn: isInteger,
    tokens_in: isInteger,
    tokens_out: isInteger,
    cost_usd: isNumber,
    first_audio_ms: isIntegerOrNull,
    skipped_messages: isInteger,
  },
  no_speech: { through: isInteger },
  speech_heard: { turn: isInteger },
  limit_reached: { kind: isText, limit: isNumber, resets_at_ms: isInteger },
  closed: { reason: isText },
  error: {
    code: isText,
    message: isText,
    retryable: isFlag,
    refused_seq: [isIntegerOrNull, null],
    next_seq: [isIntegerOrNull, null],
  },
};

/**
 * The answers of the message function by type.
 * @type {Readonly<Record<string, Form>>}
 */
export const ANSWERS = {
  ready: {
    session_id: isText,
    conversation_id: isText,
    chunk_ms: isPositive,
    grace_s: isInteger,
    max_in_flight: [isPositive, 25],
    max_audio_bytes: [isPositive, 16_000],
    max_text_characters: [isPositive, 4_000],
    input_rate_hz: [isPositive, 16_000],
    output_rate_hz: [isPositive, 24_000],
    protocol: [isInteger, 1],
    features: [isTexts, []],
    next_seq: [isIntegerOrNull, null],
    output_kept: [isFlag, false],
  },
  error: {
    code: isText,
    message: isText,
    retryable: isFlag,
    field: [isText, ""],
    seq: [isIntegerOrNull, null],
    next_seq: [isIntegerOrNull, null],
  },
  accepted: { through: isInteger },
  busy: { retry_after_ms: isInteger, seq: [isIntegerOrNull, null] },
  pong: { served: isFlag },
  reconnect_soon: { within_s: isInteger },
};

/**
 * The number of a worker's frame.
 * @type {Form}
 */
export const NUMBERED = { epoch: isInteger, seq: isInteger };
