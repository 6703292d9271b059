import { html } from "../../vendor/preact/standalone.mjs";
import { CallFacts } from "../call/call_facts.js";
import { Icon } from "../icons.js";

/** @param {import("../panels/panels.js").PanelProps} props */
export function Header({ state, actions }) {
  const isOpen = state.sheet !== null;
  return html`<header class="page-header">
    <h1 class="wordmark">Repartee</h1>
    <${CallFacts} state=${state} />
    <button
      type="button"
      class="button plain icon"
      aria-label="Menu"
      aria-expanded=${String(isOpen)}
      onClick=${() => actions.openSheet(isOpen ? null : "menu")}
    >
      <${Icon} name="menu" />
    </button>
  </header>`;
}
