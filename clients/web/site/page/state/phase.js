/** What the call is doing now, for the words and the motion on the page. */

/**
 * @typedef {"connecting" | "reconnecting" | "hearing" | "speaking" | "looking-up" | "thinking"
 *   | "limit" | "muted" | "holding" | "listening" | "ready" | "over"} Phase
 */

/** @type {Record<Phase, string>} */
export const PHASE_WORDS = {
  connecting: "Connecting",
  reconnecting: "Reconnecting",
  hearing: "Hearing you",
  speaking: "Speaking",
  "looking-up": "Looking it up",
  thinking: "Thinking",
  limit: "Limit reached",
  muted: "Muted",
  holding: "Not listening",
  listening: "Listening",
  ready: "Ready",
  over: "Call ended",
};

/**
 * @param {import("./call_state.js").CallState} call
 * @returns {Phase}
 */
export function phaseOf(call) {
  if (call.stage === "over") return "over";
  if (call.status === "reconnecting") return "reconnecting";
  if (call.stage === "starting" || call.status === "connecting") return "connecting";
  if (call.isUserSpeaking && call.limit === null) return "hearing";
  if (call.speakingTurn !== null) return "speaking";
  if (call.limit !== null) return "limit";
  if (call.runningTools.length > 0) return "looking-up";
  if (call.isAwaitingAnswer) return "thinking";
  if (!call.hasMicrophone) return "ready";
  if (call.isMuted) return "muted";
  if (call.talkMode === "push-to-talk" && !call.isPressed) return "holding";
  return "listening";
}

/**
 * @param {import("./call_state.js").CallState} call
 * @returns {number} the cost of the turns of this call
 */
export function costOfCallUsd(call) {
  const isOfCall = (/** @type {import("./turns.js").Turn} */ turn) =>
    turn.sessionId === null || turn.sessionId === call.sessionId;
  return call.turns.filter(isOfCall).reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0);
}

/**
 * @param {import("./call_state.js").CallState} call
 * @returns {number} how many of the turns are over
 */
export function endedTurns(call) {
  return call.turns.filter(({ isOver }) => isOver).length;
}
