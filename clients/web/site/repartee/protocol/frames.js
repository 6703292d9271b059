/**
 * The types of the server's frames, with the member names of docs/protocol.md.
 *
 * This module has no code. A decoded frame has the members below and no others; members that the
 * server may omit have their default value. `data` of `audio` is decoded into `pcm`.
 */

/**
 * A position in a session's output: all frames up to here have arrived. `epoch` is the worker's,
 * and `seq` is 0 for none.
 * @typedef {{epoch: number, seq: number}} Position
 */

/**
 * The number of a worker's frame: `seq` counts from 1 in each epoch.
 * @typedef {{epoch: number, seq: number}} Numbered
 */

// Frames of a worker.

/**
 * The worker has all messages up to `through`.
 * @typedef {Numbered & {type: "accepted", through: number}} Accepted
 */

/**
 * The messages `first_seq` to `last_seq` have not arrived.
 * @typedef {Numbered & {type: "missing", first_seq: number, last_seq: number}} Missing
 */

/**
 * A chunk of a reply: PCM16 little-endian mono, 24 kHz.
 * @typedef {Numbered & {type: "audio", turn: number, pcm: Uint8Array<ArrayBuffer>}} ReplyAudio
 */

/**
 * A piece of a transcript; join the pieces of one turn and role without a separator. `final` marks
 * the last piece of an utterance.
 * @typedef {Numbered & {type: "transcript", turn: number, role: "user" | "model", text: string,
 *   final: boolean}} Transcript
 */

/**
 * The user interrupted or stopped the reply of this turn.
 * @typedef {Numbered & {type: "interrupted", turn: number}} Interrupted
 */

/**
 * A tool call started or ended. `phase` is `started`, `done`, `failed` or a later phase.
 * @typedef {Numbered & {type: "tool", turn: number, name: string, phase: string}} Tool
 */

/**
 * The turn is answered again: discard what was received of this turn and of later turns.
 * @typedef {Numbered & {type: "turn_restarted", turn: number}} TurnRestarted
 */

/**
 * The audio of a reply is no longer available; `text` is its transcript.
 * @typedef {Numbered & {type: "reply_lost", turn: number, text: string}} ReplyLost
 */

/**
 * A turn is over. `first_audio_ms` is null without audio or without input.
 * @typedef {Numbered & {type: "turn_end", turn: number, tokens_in: number, tokens_out: number,
 *   cost_usd: number, first_audio_ms: number | null, skipped_messages: number}} TurnEnd
 */

/**
 * The marked input up to the message `through` held no speech; no answer follows.
 * @typedef {Numbered & {type: "no_speech", through: number}} NoSpeech
 */

/**
 * The server hears the user speak; `turn` is the turn of that speech.
 * @typedef {Numbered & {type: "speech_heard", turn: number}} SpeechHeard
 */

/**
 * A daily limit of the user is used up. `kind` is `talk_seconds` or `cost`, `limit` is in s or in
 * USD, and `resets_at_ms` is Unix time.
 * @typedef {Numbered & {type: "limit_reached", kind: string, limit: number,
 *   resets_at_ms: number}} LimitReached
 */

/**
 * The session is over. `reason` is one of docs/protocol.md, "closed", or a later one.
 * @typedef {Numbered & {type: "closed", reason: string}} Closed
 */

/**
 * An error that the user should know of; the session continues. It has an `epoch`, unlike
 * `Refused`.
 * @typedef {Numbered & {type: "error", code: string, message: string, retryable: boolean,
 *   refused_seq: number | null, next_seq: number | null}} Problem
 */

/**
 * A frame of a worker.
 * @typedef {Accepted | Missing | ReplyAudio | Transcript | Interrupted | Tool | TurnRestarted
 *   | ReplyLost | TurnEnd | NoSpeech | SpeechHeard | LimitReached | Closed | Problem} Frame
 */

// Answers of the message function.

/**
 * An answer has no number.
 * @typedef {{epoch?: undefined}} Unnumbered
 */

/**
 * The answer to `hello`. `next_seq` is null from a server of version 0.1.0.
 * @typedef {Unnumbered & {type: "ready", session_id: string, conversation_id: string,
 *   chunk_ms: number, grace_s: number, max_in_flight: number, max_audio_bytes: number,
 *   max_text_characters: number, input_rate_hz: number, output_rate_hz: number,
 *   protocol: number, features: string[], next_seq: number | null,
 *   output_kept: boolean}} Ready
 */

/**
 * The server refused the message with the number `seq`. `message` is for developers, and `field`
 * is empty for the message as a whole.
 * @typedef {Unnumbered & {type: "error", code: string, message: string, retryable: boolean,
 *   field: string, seq: number | null, next_seq: number | null}} Refused
 */

/**
 * The answer to a message whose number was accepted long ago.
 * @typedef {Unnumbered & {type: "accepted", through: number}} AcceptedBefore
 */

/**
 * No worker serves the session yet. All messages are stored, except `seq` if it is a number.
 * @typedef {Unnumbered & {type: "busy", retry_after_ms: number, seq: number | null}} Busy
 */

/**
 * The answer to `ping`.
 * @typedef {Unnumbered & {type: "pong", served: boolean}} Pong
 */

/**
 * The connection will be closed; open another one with a new ticket.
 * @typedef {Unnumbered & {type: "reconnect_soon", within_s: number}} ReconnectSoon
 */

/**
 * An answer of the message function.
 * @typedef {Ready | Refused | AcceptedBefore | Busy | Pong | ReconnectSoon} Answer
 */

export {};
