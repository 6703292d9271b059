import assert from "node:assert/strict";
import { test } from "node:test";

import { Actions } from "../../../../../clients/web/site/page/actions.js";
import {
  INITIAL_STATE,
  reduceApp,
} from "../../../../../clients/web/site/page/state/app_state.js";
import { Store } from "../../../../../clients/web/site/page/state/store.js";

/** Returns actions whose calls never finish to hang up until `hungUp` is called. */
function page() {
  const store = new Store(reduceApp, INITIAL_STATE);
  const log = [];
  let hungUp = () => {};
  const control = {
    hangUp: () => {
      log.push("hang up");
      return new Promise((resolve) => {
        hungUp = resolve;
      });
    },
    start: async ({ mode, conversation }) => log.push(`start ${mode} ${conversation}`),
  };
  const signIn = { signOut: () => log.push("sign out"), begin: async (options) => log.push(options) };
  const actions = new Actions({ store, control, api: {}, signIn: () => signIn, choices: {} });
  return { store, log, actions, hungUp: () => hungUp() };
}

test("another conversation opens within the click, without waiting for the end of the old call", () => {
  const { actions, log, store } = page();
  store.dispatch({ type: "start", mode: "typed" });
  actions.openSheet("conversations");
  void actions.continueConversation("C7");
  assert.deepEqual(log, ["hang up", "start typed C7"]);
  assert.equal(store.state.sheet, null);
});

test("signing out hides the user's data at once, and leaves the page when the call has ended", async () => {
  const { actions, log, store, hungUp } = page();
  store.dispatch({ type: "signed-in", isSignedIn: true, user: "ada" });
  store.dispatch({ type: "start", mode: "voice" });
  const isOut = actions.signOut();
  assert.equal(store.state.isSignedIn, false);
  assert.equal(store.state.user, null);
  assert.equal(store.state.call.stage, "idle");
  assert.deepEqual(log, ["hang up"]);
  hungUp();
  await isOut;
  assert.deepEqual(log, ["hang up", "sign out"]);
});

test("a sign-in that cannot begin says why", async () => {
  const store = new Store(reduceApp, INITIAL_STATE);
  const begin = async () => {
    throw new Error("Sign-in needs a page with https.");
  };
  const actions = new Actions({ store, control: {}, api: {}, signIn: () => ({ begin }), choices: {} });
  await actions.signIn();
  assert.equal(store.state.signInProblem, "Sign-in needs a page with https.");
});
