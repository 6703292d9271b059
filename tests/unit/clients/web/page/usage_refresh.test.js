import assert from "node:assert/strict";
import { test } from "node:test";

import {
  INITIAL_STATE,
  reduceApp,
} from "../../../../../clients/web/site/page/state/app_state.js";
import { Store } from "../../../../../clients/web/site/page/state/store.js";
import { refreshUsage } from "../../../../../clients/web/site/page/usage_refresh.js";

function watched() {
  const store = new Store(reduceApp, INITIAL_STATE);
  const seen = { count: 0, nowMs: 0, store };
  refreshUsage(store, () => seen.count++, () => seen.nowMs);
  store.dispatch({ type: "start", mode: "voice" });
  return seen;
}

const endTurn = (turn) => ({ type: "turn-end", turn, cost_usd: 0, first_audio_ms: 1 });

test("turns refresh the usage once a minute", () => {
  const seen = watched();
  seen.store.dispatch(endTurn(1));
  assert.equal(seen.count, 0);
  seen.nowMs = 60_000;
  seen.store.dispatch(endTurn(2));
  seen.store.dispatch(endTurn(3));
  assert.equal(seen.count, 1);
});

test("the end of a call refreshes the usage at once", () => {
  const seen = watched();
  seen.store.dispatch({ type: "closed", reason: "bye", atMs: 1 });
  assert.equal(seen.count, 1);
});
