/** Why a sign-in failed or ended, in words for the user. */

import { HttpProblem } from "../../repartee/errors.js";

/* The keys are the codes of a `SignInError`. */
const MESSAGES = {
  access_denied: "You did not sign in. Sign in when you want to talk.",
  state_mismatch: "This sign-in did not begin in this tab, so it is not completed. Sign in again.",
  code_expired: "The sign-in took too long, or it was used before. Sign in again.",
  issuer_unreachable: "The sign-in service does not answer. Check the network, then try again.",
  refused: "The sign-in service refused this page. Tell the operator of this service.",
  bad_answer:
    "The sign-in service gave an answer that this page does not understand. " +
    "Tell the operator of this service.",
  wrong_audience:
    "You signed in, but the sign-in service gave no token for this service. " +
    "Tell its operator to compare JwtAudience with the token.",
  signed_out: "You are not signed in.",
  session_ended: "Your sign-in has ended. Sign in again.",
  insecure_page: "Sign-in needs a page with https. Open this page with https.",
  storage_blocked:
    "This browser does not let the page keep data, which sign-in needs. " +
    "Allow data of this page in the browser's settings.",
};

/** @typedef {keyof typeof MESSAGES} SignInErrorCode */

/**
 * The user is not signed in, or cannot be. The message is for the user and contains no token.
 *
 * A call ends when its token function throws one with the status 401, and it tries again after
 * others.
 */
export class SignInError extends HttpProblem {
  name = "SignInError";

  /**
   * @param {SignInErrorCode} code
   * @param {string} [detail] the issuer's own error code, for the operator
   */
  constructor(code, detail = "") {
    const message = detail === "" ? MESSAGES[code] : `${MESSAGES[code]} (${detail})`;
    super({ status: code === "issuer_unreachable" ? 0 : 401, code, message });
  }
}
