import { connect, HttpApi } from "../repartee.js";
import { BrowserAudio } from "../repartee/audio/browser_audio.js";
import { WakeLock } from "../repartee/audio/wake_lock.js";
import { html, render } from "../vendor/preact/standalone.mjs";
import { Actions } from "./actions.js";
import { App } from "./app.js";
import { CallControl } from "./call_control.js";
import { DeviceChoices } from "./device_choices.js";
import { SignIn, SignInError } from "./sign_in.js";
import { INITIAL_STATE, reduceApp } from "./state/app_state.js";
import { Store } from "./state/store.js";
import { refreshUsage } from "./usage_refresh.js";

/** Starts the page: it reads the settings, completes a sign-in, and goes back to a running call. */
async function main() {
  const store = new Store(reduceApp, INITIAL_STATE);
  const url = new URL(".", document.baseURI).href;
  /** @type {SignIn | null} */
  let signIn = null;
  const token = (/** @type {{isRefused?: boolean}} */ options) => {
    if (signIn === null) throw new SignInError("signed_out");
    return signIn.token(options);
  };
  const api = new HttpApi(url, token);
  const choices = new DeviceChoices(storageOf(() => localStorage));
  const library = {
    connect,
    makeAudio: (/** @type {object} */ options) =>
      new BrowserAudio({ ...choices.current, ...options }),
    wakeLock: new WakeLock(),
  };
  const storage = storageOf(() => sessionStorage);
  const control = new CallControl({ store, library, url, token, api, storage });
  const actions = new Actions({ store, control, api, signIn: () => signIn, choices });
  show(store, actions);
  addEventListener("pagehide", () => control.keep({ withAudio: true }));

  const settings = await readSettings(url);
  if (settings === null) {
    store.dispatch({ type: "load-failed" });
    return;
  }
  signIn = settings.sign_in === null ? null : new SignIn(settings.sign_in);
  const problem = await completed(signIn);
  store.dispatch({ type: "loaded", settings });
  store.dispatch({ ...signInState(signIn), problem });
  store.dispatch({ type: "talk-mode", talkMode: choices.current.talkMode });
  if (!store.state.isSignedIn) return;
  void actions.refreshUsage();
  refreshUsage(store, () => void actions.refreshUsage());
  if (control.kept !== null) await goBack(store, control);
}

/**
 * @param {() => Storage} read
 * @returns {Storage | null} null where the browser keeps no data
 */
function storageOf(read) {
  try {
    return read();
  } catch {
    return null;
  }
}

/**
 * @param {Store<any, any>} store
 * @param {Actions} actions
 */
function show(store, actions) {
  const place = document.querySelector("#app");
  if (place === null) return;
  place.replaceChildren();
  render(html`<${App} store=${store} actions=${actions} />`, place);
}

/** @param {string} url */
async function readSettings(url) {
  try {
    const answer = await fetch(new URL("settings", url), { signal: AbortSignal.timeout(15_000) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/**
 * @param {SignIn | null} signIn
 * @returns {Promise<string | null>} what went wrong, in words for the user
 */
async function completed(signIn) {
  try {
    await signIn?.complete();
    return null;
  } catch (error) {
    return error instanceof SignInError ? error.message : "The sign-in failed. Sign in again.";
  }
}

/** @param {SignIn | null} signIn */
function signInState(signIn) {
  return { type: "signed-in", isSignedIn: signIn?.isSignedIn ?? false, user: signIn?.user ?? null };
}

/**
 * Continues the call from before the reload: at once where the browser gives the microphone without
 * a question, and otherwise by one click.
 * @param {Store<any, any>} store
 * @param {CallControl} control
 */
async function goBack(store, control) {
  if (control.kept?.mode === "typed" || (await isMicrophoneGranted())) await control.resume();
  else store.dispatch({ type: "can-resume", canResume: true });
}

async function isMicrophoneGranted() {
  try {
    const name = /** @type {PermissionName} */ ("microphone");
    return (await navigator.permissions.query({ name })).state === "granted";
  } catch {
    return false;
  }
}

await main();
