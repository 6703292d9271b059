import assert from "node:assert/strict";
import { test } from "node:test";
import { loadAgain } from "../../../../../../clients/web/site/page/panels/lazy_panel.js";

/** A load that fails a number of times, and the pauses between its tries. */
function failing(times) {
  const pauses = [];
  let tries = 0;
  const load = async () => {
    tries += 1;
    if (tries <= times) throw new TypeError("Failed to fetch dynamically imported module");
    return "a panel";
  };
  return { load, pause: async (ms) => pauses.push(ms), pauses, tries: () => tries };
}

test("a module that the server refused is asked for again, later each time", async () => {
  const { load, pause, pauses } = failing(2);
  assert.equal(await loadAgain(load, pause), "a panel");
  assert.deepEqual(pauses, [400, 800]);
});

test("after three tries the user is asked to check the connection", async () => {
  const { load, pause, tries } = failing(5);
  await assert.rejects(loadAgain(load, pause), /Check your connection/);
  assert.equal(tries(), 3);
});
