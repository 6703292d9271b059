/** What the talk of both sides changes in the state of the call. */

import {
  emptyTurn,
  finished,
  isUnanswered,
  textOf,
  withPiece,
  withTurn,
  withTypedText,
  withoutGreetedText,
} from "./turns.js";

/** @typedef {import("./call_state.js").CallState} CallState */
/** @typedef {import("./call_state.js").CallEvent} CallEvent */
/** @typedef {import("./turns.js").Turn} Turn */

/**
 * @param {CallState} state
 * @param {CallEvent} event
 * @returns {CallState}
 */
export function reduceTalk(state, event) {
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
    case "playing": {
      // A reloaded page plays the rest of a reply whose audio came before the reload.
      const turn = turns.findLast(({ number, model }) => number !== null && model.length > 0);
      return { ...state, speakingTurn: turn?.number ?? null };
    }
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
    case "error":
      return failure(state, event);
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
      answered.some(isUnanswered),
    // Without a speaker nothing reports the end of playing.
    speakingTurn: state.mode === "typed" ? null : state.speakingTurn,
    turns: answered,
  };
}

/** @type {(state: CallState, event: CallEvent) => CallState} */
function failure(state, event) {
  const isRefused = event.field === "text";
  const at = state.turns.findLastIndex(isRefused ? isUnanswered : ({ isOver }) => !isOver);
  if (at < 0 || !(isRefused || event.code === "no_answer")) {
    return { ...state, problem: { code: event.code, message: event.message } };
  }
  const turn = state.turns[at];
  const notices = [...turn.notices, event.message];
  const turns = state.turns.with(at, { ...turn, notices, isOver: isRefused });
  return { ...state, isAwaitingAnswer: isRefused && turns.some(isUnanswered), turns };
}
