import { html } from "../vendor/preact/standalone.mjs";

/** Shapes on a grid of 24 by 24, drawn as lines. */
const PATHS = {
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3ZM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21",
  muted:
    "M15 9.5V6a3 3 0 0 0-5.7-1.3M9 9v2a3 3 0 0 0 4.6 2.5M5.5 11a6.5 6.5 0 0 0 10.3 5.3M18.5 11a6.5 6.5 0 0 1-.6 2.7M12 17.5V21M4 4l16 16",
  stop: "M7.5 7.5h9v9h-9Z",
  hold: "M9 11V5.5a1.5 1.5 0 0 1 3 0V11m0-1.5a1.5 1.5 0 0 1 3 0V11m0-.5a1.5 1.5 0 0 1 3 0V15a6 6 0 0 1-6 6c-2.3 0-3.8-.9-5-2.6L4.6 14.800a1.500 1.500 0 0 1 2.400-1.800L9 15V11",
  hangUp: "M3.600 15.400c-.8-.8-.8-2.600.4-3.900 4.400-4.300 11.600-4.300 16 0 1.200 1.300 1.200 3.100.4 3.900l-.7.700a1.200 1.200 0 0 1-1.400.2l-2.500-1.300a1.200 1.200 0 0 1-.6-1.300l.2-1.400a9.500 9.500 0 0 0-6.800 0l.2 1.400a1.200 1.200 0 0 1-.6 1.300l-2.500 1.300a1.200 1.200 0 0 1-1.400-.2Z",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  back: "M14.500 5.500L8 12l6.500 6.500",
  next: "M9.500 5.500L16 12l-6.500 6.500",
  send: "M12 19V5M6 11l6-6 6 6",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM15.500 15.500L20 20",
  notice: "M12 8v5M12 16.200v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  check: "M5 12.500l4.500 4.500L19 7.500",
  down: "M12 5v14M6 13l6 6 6-6",
};

/**
 * A drawing without a name of its own: the text beside it, or the button's label, says what it is.
 *
 * @param {{name: keyof typeof PATHS}} props
 */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    <path d=${PATHS[name]} />
  </svg>`;
}
