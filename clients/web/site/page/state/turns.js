/** The turns of a conversation as the captions show them. All functions return new values. */

/**
 * One stretch of captions of one side.
 * @typedef {{text: string, isFinal: boolean}} Utterance
 */

/** @typedef {{name: string, phase: string}} ToolUse */

/**
 * @typedef {object} Turn
 * @property {string} key names the turn on the page; it never changes
 * @property {number | null} number null until a typed text gets its turn
 * @property {string | null} sessionId the session of a stored turn; null for a turn of this call
 * @property {boolean} isTyped whether the user typed the input
 * @property {Utterance[]} user
 * @property {Utterance[]} model
 * @property {ToolUse[]} tools
 * @property {string[]} notices messages of the server about this turn
 * @property {boolean} isCut whether the user interrupted or stopped the reply
 * @property {boolean} isSoundLost
 * @property {boolean} isOver
 * @property {number | null} firstAudioMs
 * @property {number | null} costUsd
 */

/**
 * @param {string} key
 * @param {number | null} number
 * @returns {Turn}
 */
export function emptyTurn(key, number) {
  return {
    key,
    number,
    sessionId: null,
    isTyped: false,
    user: [],
    model: [],
    tools: [],
    notices: [],
    isCut: false,
    isSoundLost: false,
    isOver: false,
    firstAudioMs: null,
    costUsd: null,
  };
}

/**
 * Returns the turns with `number` changed; a turn that is missing is added first.
 * @param {Turn[]} turns
 * @param {number} number
 * @param {(turn: Turn) => Turn} change
 * @returns {Turn[]}
 */
export function withTurn(turns, number, change) {
  const at = turns.findIndex((turn) => turn.number === number);
  if (at >= 0) return turns.with(at, change(turns[at]));
  const later = turns.findIndex((turn) => turn.number === null || turn.number > number);
  const place = later < 0 ? turns.length : later;
  return turns.toSpliced(place, 0, change(emptyTurn(`turn-${number}`, number)));
}

/**
 * Returns whether a typed text waits for the turn that answers it.
 * @param {Turn} turn
 */
export function isUnanswered({ number, isOver }) {
  return number === null && !isOver;
}

/**
 * Gives the oldest typed text that has no turn the number of the turn that answers it.
 * @param {Turn[]} turns
 * @param {number} number
 * @returns {Turn[]}
 */
export function withTypedText(turns, number) {
  if (turns.some((turn) => turn.number !== null && turn.number >= number)) return turns;
  const at = turns.findIndex(isUnanswered);
  return at < 0 ? turns : turns.with(at, { ...turns[at], number });
}

/**
 * Takes a typed text back from a turn that did not answer it: the agent's greeting has no input.
 * @param {Turn[]} turns
 * @param {number} number a turn that is over
 * @returns {Turn[]}
 */
export function withoutGreetedText(turns, number) {
  return turns.flatMap((turn) => {
    const isGreeting =
      turn.number === number &&
      turn.isTyped &&
      turn.firstAudioMs === null &&
      turn.model.length > 0 &&
      turn.notices.length === 0;
    if (!isGreeting) return [turn];
    const greeting = { ...turn, key: `turn-${number}`, isTyped: false, user: [] };
    return [greeting, { ...emptyTurn(turn.key, null), isTyped: true, user: turn.user }];
  });
}

/**
 * Adds a piece of a transcript: it continues the last utterance unless that one is final.
 * @param {Utterance[]} utterances
 * @param {string} text
 * @param {boolean} isFinal
 * @returns {Utterance[]}
 */
export function withPiece(utterances, text, isFinal) {
  const last = utterances.at(-1);
  if (last === undefined || last.isFinal) {
    return text ? [...utterances, { text, isFinal }] : utterances;
  }
  return utterances.with(-1, { text: last.text + text, isFinal });
}

/**
 * @param {Utterance[]} utterances
 * @returns {Utterance[]} all of them final
 */
export function finished(utterances) {
  const isFinished = utterances.every((utterance) => utterance.isFinal);
  return isFinished ? utterances : utterances.map(({ text }) => ({ text, isFinal: true }));
}

/** @param {Utterance[]} utterances */
export function textOf(utterances) {
  return utterances.map(({ text }) => text).join("");
}

/**
 * Returns a turn from an answer of `GET /conversations/{conversation_id}/turns`.
 * @param {any} stored
 * @returns {Turn}
 */
export function storedTurn(stored) {
  /** @param {{text: string} | null} said */
  const utterances = (said) => (said?.text ? [{ text: said.text, isFinal: true }] : []);
  return {
    ...emptyTurn(`turn-${stored.number}`, stored.number),
    sessionId: stored.session_id,
    user: utterances(stored.heard),
    model: utterances(stored.said),
    tools: stored.tool_calls.map((/** @type {any} */ { name, status }) => ({
      name,
      phase: status,
    })),
    isOver: true,
    firstAudioMs: stored.first_audio_ms,
    costUsd: stored.cost_usd,
  };
}

/**
 * Adds stored turns; a turn that this call has shown stays as it is.
 * @param {Turn[]} turns
 * @param {Turn[]} stored
 * @returns {Turn[]}
 */
export function withStoredTurns(turns, stored) {
  const shown = new Set(turns.map(({ number }) => number));
  const added = stored.filter(({ number }) => !shown.has(number));
  const order = (/** @type {Turn} */ turn) => turn.number ?? Infinity;
  return [...added, ...turns].sort((one, other) => {
    return order(one) === order(other) ? 0 : order(one) - order(other);
  });
}
