/** The state of the whole page: settings, sign-in, layout, today's usage and the call. */

import { capitalised } from "../formatting.js";
import { NO_CALL, reduceCall } from "./call_state.js";

/**
 * The answer of `GET /settings`.
 * @typedef {object} Settings
 * @property {string} persona
 * @property {string} business
 * @property {string[]} languages
 * @property {string[]} voices
 * @property {object | null} sign_in
 */

/**
 * @typedef {object} AppState
 * @property {"loading" | "ready" | "failed"} boot
 * @property {Settings | null} settings
 * @property {boolean} isSignedIn
 * @property {string | null} user the name of the signed-in user, if the issuer gave one
 * @property {string | null} signInProblem what went wrong at sign-in, in words for the user
 * @property {string | null} sheet the open page of the side sheet: `menu` or the id of a panel
 * @property {boolean} isDrawerOpen
 * @property {{limits: import("../../repartee/http_api.js").LimitLeft[]} | null} usage what is left of today
 * @property {boolean} canResume whether a reloaded page may go back to its call by one click
 * @property {import("./call_state.js").CallState} call
 */

/** @type {AppState} */
export const INITIAL_STATE = {
  boot: "loading",
  settings: null,
  isSignedIn: false,
  user: null,
  signInProblem: null,
  sheet: null,
  isDrawerOpen: false,
  usage: null,
  canResume: false,
  call: NO_CALL,
};

/**
 * Returns the state after an event: the page's own, or one of the call.
 * @param {AppState} state
 * @param {{type: string, [name: string]: any}} event
 * @returns {AppState}
 */
export function reduceApp(state, event) {
  switch (event.type) {
    case "loaded":
      return { ...state, boot: "ready", settings: event.settings };
    case "load-failed":
      return { ...state, boot: "failed" };
    case "signed-in":
      return {
        ...state,
        isSignedIn: event.isSignedIn,
        user: event.user ?? null,
        signInProblem: event.problem ?? null,
      };
    case "sheet":
      return { ...state, sheet: event.sheet };
    case "drawer":
      return { ...state, isDrawerOpen: event.isOpen };
    case "usage":
      return { ...state, usage: event.usage };
    case "can-resume":
      return { ...state, canResume: event.canResume };
    default: {
      const call = reduceCall(state.call, event);
      if (call === state.call) return state;
      return { ...state, call, canResume: event.type === "start" ? false : state.canResume };
    }
  }
}

/**
 * Returns the name of the other side of a call.
 * @param {AppState} state
 */
export function agentName({ settings }) {
  return capitalised(settings?.business ?? "Agent");
}
