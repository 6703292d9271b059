/** Names the reasons for which a page cannot hear or be heard. */

/**
 * - `no_microphone`: there is none, or it cannot be opened.
 * - `permission_denied`: the user or the system refuses the microphone.
 * - `insecure_page`: the page came over plain HTTP, where browsers have no microphone.
 * - `browser_too_old`: the browser lacks a part of Web Audio.
 * - `microphone_silent`: the microphone is open and delivers no sound for 3 s.
 * - `microphone_heard`: sound comes again, after `microphone_silent` or `microphone_lost`.
 * - `microphone_lost`: the device or the system ended the recording; it is tried again.
 * - `tap_to_continue`: the browser has stopped the sound; call `unlock` in a click.
 * - `sound_running`: the sound runs again, after `tap_to_continue`.
 * @typedef {"no_microphone" | "permission_denied" | "insecure_page" | "browser_too_old"
 *   | "microphone_silent" | "microphone_heard" | "microphone_lost" | "tap_to_continue"
 *   | "sound_running"} ProblemCode
 */

/**
 * Returns what this browser lacks for voice.
 * @returns {ProblemCode | null}
 */
export function missingSupport() {
  if (!window.isSecureContext) {
    return "insecure_page";
  }
  const hasWorklets = "AudioContext" in window && "AudioWorkletNode" in window;
  const hasMicrophone = typeof navigator.mediaDevices?.getUserMedia === "function";
  return hasWorklets && hasMicrophone ? null : "browser_too_old";
}

/**
 * Returns the code for an error of `getUserMedia`.
 * @param {unknown} error
 * @returns {ProblemCode}
 */
export function microphoneProblem(error) {
  const name = nameOf(error);
  const isRefused = name === "NotAllowedError" || name === "SecurityError";
  return isRefused ? "permission_denied" : "no_microphone";
}

/**
 * Returns the name of an error, such as `NotFoundError`.
 * @param {unknown} error
 * @returns {string}
 */
export function nameOf(error) {
  return error instanceof Error || error instanceof DOMException ? error.name : String(error);
}
