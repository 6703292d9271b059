import { html } from "../vendor/preact/standalone.mjs";

/** Shapes on a grid of 24 by 24, drawn as lines. */
const PATHS = {
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3ZM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21",
  muted:
    "M15 9.5V6a3 3 0 0 0-5.7-1.3M9 9v2a3 3 0 0 0 4.6 2.5M5.5 11a6.5 6.5 0 0 0 10.3 5.3M18.5 11a6.5 6.5 0 0 1-.6 2.7M12 17.5V21M4 4l16 16",
  stop: "M7.5 7.5h9v9h-9Z",
  hold: "M9 11V5.5a1.5 1.5 0 0 1 3 0V11m0-1.5a1.5 1.5 0 0 1 3 0V11m0-.5a1.5 1.5 0 0 1 3 0V15a6 6 0 0 1-6 6c-2.3 0-3.8-.9-5-2.6L4.6 14.8a1.5 1.5 0 0 1 2.4-1.8L9 15V11",
  hangUp: "M3.6 15.4c-.8-.8-.8-2.6.4-3.9 4.4-4.3 11.6-4.3 16 0 1.2 1.3 1.2 3.1.4 3.9l-.7.7a1.2 1.2 0 0 1-1.4.2l-2.5-1.3a1.2 1.2 0 0 1-.6-1.3l.2-1.4a9.5 9.5 0 0 0-6.8 0l.2 1.4a1.2 1.2 0 0 1-.6 1.3l-2.5 1.3a1.2 1.2 0 0 1-1.4-.2Z",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  back: "M14.5 5.5L8 12l6.5 6.5",
  next: "M9.5 5.5L16 12l-6.5 6.5",
  send: "M12 19V5M6 11l6-6 6 6",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5L20 20",
  notice: "M12 8v5M12 16.2v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  down: "M12 5v14M6 13l6 6 6-6",
};

/**
 * A drawing without an accessible name: the text beside it, or the button's label, gives one.
 * @param {{name: keyof typeof PATHS}} props
 */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    <path d=${PATHS[name]} />
  </svg>`;
}
