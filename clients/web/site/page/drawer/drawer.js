import { html, useLayoutEffect, useRef } from "../../vendor/preact/standalone.mjs";
import { lazyPanel } from "../panels/lazy_panel.js";
import { CallRecorder } from "./call_recorder.js";

/** @typedef {{recorder: CallRecorder, call: any, audio: any}} ContentProps */

const Content = lazyPanel(
  async () => (await import("./drawer_content.js")).DrawerContent,
  (/** @type {ContentProps} */ props) => props,
);

/**
 * Shows the frames of the call and a timeline of its turns. It stays mounted while it is closed, so
 * that it has the frames of the whole call.
 * @param {object} props
 * @param {any} props.call the open call of `repartee.js`, or the last one, or null
 * @param {any} props.audio the AudioPort of the call, or null
 * @param {boolean} props.isOpen
 */
export function DeveloperDrawer({ call, audio, isOpen }) {
  const recorder = useRef(/** @type {CallRecorder | null} */ (null));
  recorder.current ??= new CallRecorder();
  const { current } = recorder;
  // A layout effect runs before the call dispatches its first frames.
  useLayoutEffect(() => {
    current.follow(call);
    return () => current.follow(null);
  }, [call]);
  return isOpen ? html`<${Content} recorder=${current} call=${call} audio=${audio} />` : null;
}
