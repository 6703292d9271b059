/** The state of the call, and what each event of the call changes in it. */

import {
  emptyTurn,
  finished,
  textOf,
  withPiece,
  withStoredTurns,
  withTurn,
  withTypedText,
  withoutGreetedText,
} from "./turns.js";

/** @typedef {import("./turns.js").Turn} Turn */

/**
 * @typedef {object} CallState
 * @property {"idle" | "starting" | "open" | "over"} stage
 * @property {"voice" | "typed"} mode
 * @property {string} status the status of the line: connecting, connected, reconnecting, closed
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
 * @property {"hands-free" | "push-to-talk"} talkMode
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
 * Return the state after an event. The types are those of `repartee.js`, with the page's own:
 * `start`, `opened`, `failed`, `typed`, `stored-turns`, `speech-start`, `speech-end`, `played`,
 * `muted`, `talk-mode`, `pressed`, `problem-closed`, `left`.
 *
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

/**
 * @param {CallState} state
 * @param {CallEvent} event
 * @returns {CallState}
 */
function reduceTalk(state, event) {
  const { turns } = state;
  switch (event.type) {
    case "typed":
      return {
        ...state,
        isAwaitingAnswer: true,
        problem: null,
        turns: [
          ...turns,
          {
            ...emptyTurn(`typed-${event.id}`, null),
            isTyped: true,
            user: [{ text: event.text, isFinal: true }],
          },
        ],
      };
    case "speech-start":
      return { ...state, isUserSpeaking: true };
    case "speech-end":
      return { ...state, isUserSpeaking: false, isAwaitingAnswer: true };
    case "speech-heard":
      return { ...state, problem: null, turns: withTurn(turns, event.turn, (turn) => turn) };
    case "no-speech":
      return { ...state, isUserSpeaking: false, isAwaitingAnswer: false };
    case "transcript":
      return event.role === "user" ? heard(state, event) : said(state, event);
    case "audio":
      if (event.pcm.length === 0) return state;
      if (state.speakingTurn === event.turn) return state;
      return {
        ...state,
        isAwaitingAnswer: false,
        speakingTurn: event.turn,
        turns: withTurn(withTypedText(turns, event.turn), event.turn, (turn) => turn),
      };
    case "played": {
      const turn = turns.find(({ number }) => number === state.speakingTurn);
      return turn?.isOver ? { ...state, speakingTurn: null } : state;
    }
    case "interrupted":
      return {
        ...state,
        speakingTurn: state.speakingTurn === event.turn ? null : state.speakingTurn,
        turns: withTurn(turns, event.turn, (turn) => ({
          ...turn,
          isCut: true,
          model: finished(turn.model),
        })),
      };
    case "tool":
      return tool(state, event);
    case "turn-restarted":
      return {
        ...state,
        speakingTurn: null,
        runningTools: [],
        isAwaitingAnswer: true,
        turns: restarted(turns, event.turn),
      };
    case "reply-lost":
      return {
        ...state,
        turns: withTurn(turns, event.turn, (turn) => ({
          ...turn,
          isSoundLost: true,
          model: [{ text: event.text, isFinal: true }],
        })),
      };
    case "turn-end":
      return turnEnded(state, event);
    case "limit-reached":
      return {
        ...state,
        limit: { kind: event.kind, limit: event.limit, resetsAtMs: event.resets_at_ms },
      };
    case "error":
      return failure(state, event);
    case "closed":
      return { ...ended(state, event.atMs), closedReason: event.reason };
    default:
      return state;
  }
}

/** @type {(state: CallState, event: CallEvent) => CallState} */
function heard(state, { turn: number, text, final }) {
  const typed = state.turns.find((turn) => turn.number === null || turn.number === number);
  const isEcho = typed?.isTyped && textOf(typed.user).trim() === text.trim();
  const turns = isEcho ? withTypedText(state.turns, number) : state.turns;
  return {
    ...state,
    isAwaitingAnswer: state.isAwaitingAnswer || (final && state.speakingTurn === null),
    turns: withTurn(turns, number, (turn) =>
      isEcho ? turn : { ...turn, user: withPiece(turn.user, text, final) },
    ),
  };
}

/** @type {(state: CallState, event: CallEvent) => CallState} */
function said(state, { turn: number, text, final }) {
  return {
    ...state,
    isAwaitingAnswer: false,
    turns: withTurn(withTypedText(state.turns, number), number, (turn) => ({
      ...turn,
      // The end of a reply is final although a later piece may still come.
      model: turn.isOver || turn.isCut
        ? finished(withPiece(turn.model, text, final))
        : withPiece(turn.model, text, final),
    })),
  };
}

/** @type {(state: CallState, event: CallEvent) => CallState} */
function tool(state, { turn: number, name, phase }) {
  const at = state.runningTools.findIndex((one) => one.turn === number && one.name === name);
  const runningTools =
    phase === "started"
      ? [...state.runningTools, { turn: number, name }]
      : at < 0
        ? state.runningTools
        : state.runningTools.toSpliced(at, 1);
  const turns = withTurn(withTypedText(state.turns, number), number, (turn) => {
    const open = turn.tools.findIndex((one) => one.name === name && one.phase === "started");
    const tools =
      phase === "started" || open < 0
        ? [...turn.tools, { name, phase }]
        : turn.tools.with(open, { name, phase });
    return { ...turn, tools };
  });
  return { ...state, runningTools, turns };
}

/** @type {(turns: Turn[], number: number) => Turn[]} */
function restarted(turns, number) {
  return turns.flatMap((turn) => {
    if (turn.number === null || turn.number < number) return [turn];
    // Only the server forgets the input; the user has typed it all the same.
    if (turn.isTyped) return [{ ...emptyTurn(turn.key, null), isTyped: true, user: turn.user }];
    return [];
  });
}

/** @type {(state: CallState, event: CallEvent) => CallState} */
function turnEnded(state, event) {
  const turns = withTurn(withTypedText(state.turns, event.turn), event.turn, (turn) => ({
    ...turn,
    isOver: true,
    model: finished(turn.model),
    firstAudioMs: event.first_audio_ms,
    costUsd: event.cost_usd,
  }));
  const answered = withoutGreetedText(turns, event.turn);
  return {
    ...state,
    isAwaitingAnswer:
      (state.runningTools.length > 0 && state.isAwaitingAnswer) ||
      answered.some(({ number }) => number === null),
    // Without a speaker nothing reports the end of playing.
    speakingTurn: state.mode === "typed" ? null : state.speakingTurn,
    turns: answered,
  };
}

/** @type {(state: CallState, event: CallEvent) => CallState} */
function failure(state, event) {
  const last = state.turns.findLast(({ isOver }) => !isOver);
  if (event.code === "no_answer" && last !== undefined) {
    const change = (/** @type {Turn} */ turn) => ({
      ...turn,
      notices: [...turn.notices, event.message],
    });
    const turns = state.turns.map((turn) => (turn === last ? change(turn) : turn));
    return { ...state, isAwaitingAnswer: false, turns };
  }
  return { ...state, problem: { code: event.code, message: event.message } };
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
