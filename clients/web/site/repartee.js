/** Repartee's client for browsers; docs/clients.md shows how to use it. */

export { BrowserAudio } from "./repartee/audio/browser_audio.js";
export { WakeLock } from "./repartee/audio/wake_lock.js";
export { Call } from "./repartee/call.js";
export { connect } from "./repartee/connect.js";
export { CallError, HttpProblem } from "./repartee/errors.js";
export { HttpApi } from "./repartee/http_api.js";
