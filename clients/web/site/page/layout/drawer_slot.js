import { html } from "../../vendor/preact/standalone.mjs";
import { DeveloperDrawer } from "../drawer/drawer.js";
import { Icon } from "../icons.js";

/**
 * The bottom drawer, which shares the height of the page with the conversation.
 * @param {import("../panels/panels.js").PanelProps} props
 */
export function DrawerSlot({ state, actions }) {
  const close = () => actions.openDrawer(false);
  return html`<section class="drawer" aria-label="Developer drawer" hidden=${!state.isDrawerOpen}>
    <button
      type="button"
      class="button plain icon drawer-close"
      aria-label="Close the developer drawer"
      onClick=${close}
    >
      <${Icon} name="close" />
    </button>
    <${DeveloperDrawer} call=${actions.call} audio=${actions.audio} isOpen=${state.isDrawerOpen} />
  </section>`;
}
