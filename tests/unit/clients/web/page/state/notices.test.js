import assert from "node:assert/strict";
import { test } from "node:test";

import { NO_CALL, reduceCall } from "../../../../../../clients/web/site/page/state/call_state.js";
import { endingOf } from "../../../../../../clients/web/site/page/state/notices.js";

const after = (...events) => events.reduce(reduceCall, NO_CALL);

test("the service's own limit does not blame the user and shows no amount", () => {
  const limit = { type: "limit-reached", kind: "service", limit: 0, resets_at_ms: 5 };
  const { title, text, again } = endingOf(after({ type: "start", mode: "voice" }, limit));

  assert.equal(title, "No more calls today");
  assert.match(text, /^The service has reached its own limit for today, not you\. It opens again /);
  assert.doesNotMatch(text, /\$|minutes a day/);
  assert.equal(again, null);
});

test("a call that the operator ended says so", () => {
  const { title, again } = endingOf({ ...NO_CALL, closedReason: "stopped" });

  assert.equal(title, "No calls for now");
  assert.equal(again, "Talk again");
});
