/**
 * Repartee's client for browsers; docs/clients.md shows how to use it.
 *
 * @module
 */

export { Call } from "./repartee/call.js";
export { connect } from "./repartee/connect.js";
export { CallError, HttpProblem } from "./repartee/errors.js";
export { HttpApi } from "./repartee/http_api.js";
