/** The state of the call, and what each event of the call changes in it. */

import { reduceTalk } from "./talk.js";
import { finished, withStoredTurns } from "./turns.js";

/** @typedef {import("./turns.js").Turn} Turn */

/**
 * @typedef {object} CallState
 * @property {"idle" | "starting" | "open" | "over"} stage
 * @property {"voice" | "typed"} mode
 * @property {import("../../repartee/call_events.js").Status} status
 * @property {string | null} sessionId
 * @property {string | null} conversationId
 * @property {number | null} startedAtMs when the call opened, as Unix time
 * @property {number | null} endedAtMs
 * @property {Turn[]} turns
 * @property {boolean} isUserSpeaking
 * @property {boolean} isAwaitingAnswer whether the user has finished and no answer has begun
 * @property {number | null} speakingTurn the turn whose reply is played
 * @property {{turn: number, name: string}[]} runningTools
 * @property {boolean} hasMicrophone whether the user can be heard
 * @property {boolean} isMuted
 * @property {import("../../repartee/call_audio.js").TalkMode} talkMode
 * @property {boolean} isPressed whether the push-to-talk button is held
 * @property {{code: string, detail: string} | null} microphone a problem of the microphone
 * @property {{code: string, message: string} | null} problem a problem of the call
 * @property {{kind: string, limit: number, resetsAtMs: number} | null} limit
 * @property {string | null} closedReason
 */

/** @typedef {{type: string, [name: string]: any}} CallEvent */

/** @type {CallState} */
export const NO_CALL = {
  stage: "idle",
  mode: "voice",
  status: "closed",
  sessionId: null,
  conversationId: null,
  startedAtMs: null,
  endedAtMs: null,
  turns: [],
  isUserSpeaking: false,
  isAwaitingAnswer: false,
  speakingTurn: null,
  runningTools: [],
  hasMicrophone: false,
  isMuted: false,
  talkMode: "hands-free",
  isPressed: false,
  microphone: null,
  problem: null,
  limit: null,
  closedReason: null,
};

/**
 * Returns the state after an event. The types are those of `repartee.js`, with the page's own:
 * `start`, `opened`, `failed`, `typed`, `stored-turns`, `speech-start`, `speech-end`, `playing`,
 * `played`, `muted`, `talk-mode`, `pressed`, `problem-closed`, `left`.
 * @param {CallState} state
 * @param {CallEvent} event
 * @returns {CallState}
 */
export function reduceCall(state, event) {
  switch (event.type) {
    case "start":
      return {
        ...NO_CALL,
        stage: "starting",
        status: "connecting",
        mode: event.mode,
        hasMicrophone: event.mode === "voice",
        talkMode: state.talkMode,
        conversationId: event.conversationId ?? null,
        turns: event.keepsTurns ? keptTurns(state) : [],
      };
    case "opened":
      return {
        ...state,
        stage: state.stage === "over" ? "over" : "open",
        sessionId: event.sessionId,
        conversationId: event.conversationId,
        startedAtMs: event.startedAtMs,
      };
    case "failed":
      return { ...ended(state, event.atMs), problem: { code: event.code, message: event.message } };
    case "closed":
      if (state.stage === "over") return state;
      return { ...ended(state, event.atMs), closedReason: event.reason };
    case "left":
      return NO_CALL;
    case "status":
      if (state.stage === "over") return state;
      return { ...state, status: event.status };
    case "muted":
      return { ...state, isMuted: event.isMuted };
    case "talk-mode":
      return { ...state, talkMode: event.talkMode, isPressed: false };
    case "pressed":
      return { ...state, isPressed: event.isPressed };
    case "microphone":
      return microphoneChanged(state, event);
    case "problem-closed":
      return { ...state, microphone: null, problem: null };
    case "limit-reached": {
      const { kind, limit, resets_at_ms: resetsAtMs } = event;
      return { ...state, limit: { kind, limit, resetsAtMs } };
    }
    case "stored-turns":
      return { ...state, turns: withStoredTurns(state.turns, event.turns) };
    default:
      return reduceTalk(state, event);
  }
}

/** @param {CallState} state */
function keptTurns({ turns, sessionId }) {
  const answered = turns.filter(({ number }) => number !== null);
  return answered.map((turn) => ({ ...turn, sessionId: turn.sessionId ?? sessionId }));
}

/** @type {(state: CallState, atMs: number) => CallState} */
function ended(state, atMs) {
  return {
    ...state,
    stage: "over",
    status: "closed",
    endedAtMs: atMs,
    isUserSpeaking: false,
    isAwaitingAnswer: false,
    speakingTurn: null,
    runningTools: [],
    isPressed: false,
    microphone: null,
    turns: state.turns.map((turn) => ({
      ...turn,
      isOver: true,
      user: finished(turn.user),
      model: finished(turn.model),
    })),
  };
}

/** Without a microphone the user can still type. */
const WITHOUT_MICROPHONE = [
  "no_microphone",
  "permission_denied",
  "insecure_page",
  "browser_too_old",
  "microphone_lost",
];

/** @type {(state: CallState, event: CallEvent) => CallState} */
function microphoneChanged(state, { code, detail = "" }) {
  if (code === "microphone_heard") return { ...state, hasMicrophone: true, microphone: null };
  if (code === "sound_running") {
    const isPaused = state.microphone?.code === "tap_to_continue";
    return isPaused ? { ...state, microphone: null } : state;
  }
  const hasMicrophone = state.hasMicrophone && !WITHOUT_MICROPHONE.includes(code);
  return { ...state, hasMicrophone, isUserSpeaking: false, microphone: { code, detail } };
}
