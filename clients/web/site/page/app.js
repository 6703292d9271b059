import { html, useEffect, useState } from "../vendor/preact/standalone.mjs";
import { CallView } from "./call/call_view.js";
import { DrawerSlot } from "./layout/drawer_slot.js";
import { Header } from "./layout/header.js";
import { Sheet } from "./layout/sheet.js";
import { StartView } from "./start_view.js";

/** @typedef {import("./state/app_state.js").AppState} AppState */

/**
 * The whole page.
 * @param {object} props
 * @param {import("./state/store.js").Store<AppState, any>} props.store
 * @param {import("./actions.js").Actions} props.actions
 */
export function App({ store, actions }) {
  const [state, setState] = useState(store.state);
  useEffect(() => {
    setState(store.state);
    return store.subscribe(() => setState(store.state));
  }, [store]);
  const hasCall = state.call.stage !== "idle";
  return html`
    <a class="skip-link visually-hidden" href="#conversation">Skip to the conversation</a>
    <${Header} state=${state} actions=${actions} />
    <main id="conversation" tabindex="-1">
      ${hasCall
        ? html`<${CallView} state=${state} actions=${actions} />`
        : html`<${StartView} state=${state} actions=${actions} />`}
    </main>
    <${Sheet} state=${state} actions=${actions} />
    <${DrawerSlot} state=${state} actions=${actions} />
  `;
}
