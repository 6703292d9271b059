import { html, render } from "../vendor/preact/standalone.mjs";
import { App } from "./app.js";
import { Actions } from "./actions.js";
import { CallControl } from "./call_control.js";
import { DeviceChoices } from "./device_choices.js";
import { INITIAL_STATE, reduceApp } from "./state/app_state.js";
import { Store } from "./state/store.js";

const store = new Store(reduceApp, INITIAL_STATE);
const wakeLock = { hold: async () => {}, release: async () => {} };
const library = { connect: async () => null, makeAudio: () => null, wakeLock };
const url = location.origin;
const token = async () => "";
const api = null;
const control = new CallControl({ store, library, url, token, api, storage: sessionStorage });
const choices = new DeviceChoices(localStorage);
const actions = new Actions({ store, control, api, signIn: null, choices });
store.dispatch({ type: "talk-mode", talkMode: choices.current.talkMode });

const place = document.querySelector("#app");
if (place !== null) {
  place.replaceChildren();
  render(html`<${App} store=${store} actions=${actions} />`, place);
}
