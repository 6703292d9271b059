/** Keeps the display of today's limits up to date during a call. */

import { endedTurns } from "./state/phase.js";

const EVERY_MS = 60_000;

/**
 * Reads the usage again when a call ends, and at most once a minute when a turn ends: each reading
 * is a request that costs money.
 * @param {Pick<import("./state/store.js").Store<import("./state/app_state.js").AppState, any>,
 *   "state" | "subscribe">} store
 * @param {() => void} refresh
 * @param {() => number} [nowMs]
 * @returns {() => void} ends the refreshing
 */
export function refreshUsage(store, refresh, nowMs = Date.now) {
  let readAtMs = nowMs();
  let before = store.state.call;
  return store.subscribe(() => {
    const { call } = store.state;
    const hasEnded = call.stage === "over" && before.stage !== "over";
    const isDue = endedTurns(call) > endedTurns(before) && nowMs() - readAtMs >= EVERY_MS;
    before = call;
    if (!hasEnded && !isDue) return;
    readAtMs = nowMs();
    refresh();
  });
}
