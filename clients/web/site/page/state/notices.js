/** The words for what is wrong, and for what the user can do about it. */

import { formatNext, formatUsd } from "../formatting.js";

/**
 * @typedef {object} Notice
 * @property {string} title
 * @property {string} text
 * @property {"close" | "unlock" | null} action what the notice's button does
 */

/** @type {Record<string, Notice>} */
const MICROPHONE = {
  no_microphone: {
    title: "No microphone",
    text: "Connect one, then press Talk. You can also type.",
    action: "close",
  },
  permission_denied: {
    title: "The microphone is blocked",
    text: "Allow it in the browser's settings for this page, then press Talk. You can also type.",
    action: "close",
  },
  insecure_page: {
    title: "This page is not secure",
    text: "Browsers give the microphone only to pages with https. You can type.",
    action: "close",
  },
  browser_too_old: {
    title: "This browser cannot hold a call",
    text: "Update it, or use another one. You can type.",
    action: "close",
  },
  microphone_silent: {
    title: "We cannot hear you",
    text:
      "The microphone sends only silence. Check that it is switched on, or choose another one in " +
      "the menu.",
    action: null,
  },
  microphone_lost: {
    title: "The microphone is gone",
    text: "Connect it again, or choose another one in the menu. You can also type.",
    action: "close",
  },
  tap_to_continue: {
    title: "The sound is paused",
    text: "The browser starts it again when you tap the button.",
    action: "unlock",
  },
};

const AGAIN = "Talk again";
const RETRY = "Try again";

/**
 * Why a call ended or could not begin, by the code or the reason. The third text is the button that
 * starts it again; null where that would fail.
 * @type {Record<string, [string, string, (string | null)?]>}
 */
const ENDINGS = {
  bye: ["Call ended", "The conversation is kept."],
  superseded: ["Another device has the call", "It goes on there.", "Bring it back here"],
  superseded_connection: ["Another tab has the call", "It goes on there.", "Bring it back here"],
  erased: ["Call ended", "This conversation was erased.", null],
  refused: ["The agent is not available", "Its model refused the call. Tell the operator."],
  busy: ["The agent is busy", "Too many people are talking to it. Try again in a minute."],
  unavailable: ["The agent is not available", "It failed several times. Try again later."],
  stopped: ["No calls for now", "The operator has stopped all calls. Try again later."],
  calls_stopped: ["No calls for now", "The operator has stopped all calls. Try again later."],
  session_ended: ["Call ended", "The call was over before this page came back."],
  unreachable: ["No connection", "The server does not answer. Check your connection.", RETRY],
  connection_lost: ["No connection", "The connection was lost and did not come back.", RETRY],
  connection_refused: ["No connection", "The server does not open the call.", RETRY],
  no_answer: ["No connection", "The server was not ready in time.", RETRY],
  signed_out: ["Your sign-in has ended", "Sign in again to go on."],
  too_many_sessions: ["Too many open calls", "End another call, or wait a minute."],
  user_erased: ["Your data was erased", "This account cannot be used any more.", null],
  conversation_unknown: ["This conversation is gone", "It was erased.", null],
};

/**
 * Returns the notice to show in an open call; null if nothing is wrong.
 * @param {import("./call_state.js").CallState} call
 * @returns {Notice | null}
 */
export function noticeOf(call) {
  if (call.stage !== "open") return null;
  if (call.limit !== null) {
    return { title: limitTitle(call.limit), text: limitText(call.limit), action: null };
  }
  if (call.microphone !== null) return MICROPHONE[call.microphone.code] ?? null;
  if (call.problem !== null) return { title: call.problem.message, text: "", action: "close" };
  return null;
}

/**
 * Returns why the call is over, and the text of the button that starts it again.
 * @param {import("./call_state.js").CallState} call
 * @returns {{title: string, text: string, again: string | null}}
 */
export function endingOf(call) {
  if (call.limit !== null) {
    return { title: limitTitle(call.limit), text: limitText(call.limit), again: null };
  }
  const { closedReason, problem } = call;
  const known = ENDINGS[closedReason ?? problem?.code ?? "bye"];
  if (known === undefined && problem !== null) {
    return { title: "The call failed", text: problem.message, again: AGAIN };
  }
  const [title, text, again = AGAIN] = known ?? ENDINGS.bye;
  return { title, text, again };
}

/** @typedef {{kind: string, limit: number, resetsAtMs: number}} Limit */

/** @param {Limit} limit */
function limitTitle({ kind }) {
  if (kind === "service") return "No more calls today";
  return kind === "cost" ? "Today's budget is used up" : "Today's talk time is used up";
}

/** @param {Limit} limit */
function limitText({ kind, limit, resetsAtMs }) {
  const again = formatNext(resetsAtMs, Date.now());
  if (kind === "service") {
    return `The service has reached its own limit for today, not you. It opens again ${again}.`;
  }
  const amount = kind === "cost" ? formatUsd(limit) : `${Math.round(limit / 60)} minutes`;
  return `The limit is ${amount} a day. It starts again ${again}.`;
}
