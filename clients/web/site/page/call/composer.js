import { html, useRef, useState } from "../../vendor/preact/standalone.mjs";
import { Icon } from "../icons.js";
import { acceptableText } from "./typed_text.js";

const MAX_CHARACTERS = 4_000;
const MAX_HEIGHT_PX = 132;

/**
 * Typed input: Enter sends, Shift and Enter starts a new line.
 * @param {object} props
 * @param {(text: string) => void} props.onSend
 */
export function Composer({ onSend }) {
  const [text, setText] = useState("");
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const canSend = acceptableText(text) !== "";

  const fit = () => {
    const element = field.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight + 2, MAX_HEIGHT_PX)}px`;
  };
  const send = () => {
    if (!canSend) return;
    onSend(text);
    setText("");
    if (field.current !== null) field.current.style.height = "auto";
    field.current?.focus();
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };
  return html`<form
    class="composer"
    onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      send();
    }}
  >
    <label class="visually-hidden" for="message">Type a message</label>
    <textarea
      id="message"
      class="input"
      rows="1"
      maxlength=${MAX_CHARACTERS}
      placeholder="Type a message"
      enterkeyhint="send"
      autocomplete="off"
      ref=${field}
      value=${text}
      onInput=${(/** @type {any} */ event) => {
        setText(event.target.value);
        fit();
      }}
      onKeyDown=${onKeyDown}
    ></textarea>
    <button type="submit" class="button icon send" aria-label="Send" disabled=${!canSend}>
      <${Icon} name="send" />
    </button>
  </form>`;
}
