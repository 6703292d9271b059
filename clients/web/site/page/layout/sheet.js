import { html, useEffect, useRef } from "../../vendor/preact/standalone.mjs";
import { Icon } from "../icons.js";
import { PANELS } from "../panels/panels.js";

const WIDE = "(min-width: 60rem)";

/**
 * The side sheet: a menu, and the panel that was chosen in it. On a phone it covers the page as a
 * modal dialog; on a wide screen it stands beside the conversation, which stays usable.
 * @param {import("../panels/panels.js").PanelProps} props
 */
export function Sheet({ state, actions }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const { sheet } = state;
  const isOpen = sheet !== null;
  const panel = PANELS.find(({ id }) => id === sheet);

  useEffect(() => {
    const element = dialog.current;
    if (element === null || !isOpen) return;
    const wide = matchMedia(WIDE);
    const opener = document.activeElement;
    const show = () => {
      element.close();
      if (wide.matches) element.show();
      else element.showModal();
    };
    show();
    wide.addEventListener("change", show);
    return () => {
      wide.removeEventListener("change", show);
      element.close();
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, [isOpen]);

  useEffect(() => {
    if (isOpen) heading.current?.focus();
  }, [sheet]);

  const close = () => actions.openSheet(null);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    close();
  };

  return html`<dialog
    class="sheet"
    aria-labelledby="sheet-heading"
    ref=${dialog}
    onCancel=${(/** @type {Event} */ event) => {
      event.preventDefault();
      close();
    }}
    onKeyDown=${onKeyDown}
    onClick=${(/** @type {Event} */ { target }) => target === dialog.current && close()}
  >
    ${isOpen &&
    html`<div class="sheet-header">
        ${sheet !== "menu" &&
        html`<button
          type="button"
          class="button plain icon"
          aria-label="Back to the menu"
          onClick=${() => actions.openSheet("menu")}
        >
          <${Icon} name="back" />
        </button>`}
        <h2 id="sheet-heading" tabindex="-1" ref=${heading}>${panel?.label ?? "Menu"}</h2>
        <button type="button" class="button plain icon" aria-label="Close" onClick=${close}>
          <${Icon} name="close" />
        </button>
      </div>
      <div class="sheet-body">
        ${panel === undefined
          ? html`<${Menu} state=${state} actions=${actions} />`
          : html`<${panel.view} key=${panel.id} state=${state} actions=${actions} />`}
      </div>`}
  </dialog>`;
}

/** @param {import("../panels/panels.js").PanelProps} props */
function Menu({ state, actions }) {
  const panels = state.isSignedIn ? PANELS : [];
  return html`<nav aria-label="Menu">
    <ul class="menu">
      ${panels.map(
        ({ id, label }) => html`<li key=${id}>
          <button type="button" class="menu-item" onClick=${() => actions.openSheet(id)}>
            <span>${label}</span><${Icon} name="next" />
          </button>
        </li>`,
      )}
      <li>
        <button
          type="button"
          class="menu-item"
          aria-pressed=${String(state.isDrawerOpen)}
          onClick=${() => actions.openDrawer(!state.isDrawerOpen)}
        >
          <span>Developer drawer</span>
          ${state.isDrawerOpen && html`<${Icon} name="check" />`}
        </button>
      </li>
      ${state.isSignedIn &&
      html`<li>
        <button type="button" class="menu-item" onClick=${() => actions.signOut()}>
          <span>Sign out</span>
          <span class="soft small">${state.user}</span>
        </button>
      </li>`}
    </ul>
  </nav>`;
}
