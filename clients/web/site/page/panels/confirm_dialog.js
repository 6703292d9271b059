import { html, useLayoutEffect, useRef, useState } from "../../vendor/preact/standalone.mjs";
import { Problem } from "./parts.js";

/**
 * @typedef {object} ConfirmDialogProps
 * @property {string} heading
 * @property {unknown} children what happens, in words
 * @property {string} action the text of the button that confirms
 * @property {string} working the text while the action runs
 * @property {string} [word] A word that the user must type first.
 * @property {() => Promise<void>} onConfirm
 * @property {() => void} onClose
 */

/**
 * Asks before an action that cannot be undone, shows that it runs, and shows why it failed.
 * @param {ConfirmDialogProps} props
 */
export function ConfirmDialog({ heading, children, action, working, word, onConfirm, onClose }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [isWorking, setIsWorking] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [typed, setTyped] = useState("");
  const isReady = word === undefined || typed.trim().toLowerCase() === word;

  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // Closing gives the focus back to the element that had it.
    return () => element?.close();
  }, []);

  const close = () => {
    if (!isWorking) onClose();
  };
  const confirm = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!isReady || isWorking) return;
    setIsWorking(true);
    setError(null);
    try {
      await onConfirm();
    } catch (problem) {
      setError(problem);
      setIsWorking(false);
    }
  };
  const onCancel = (/** @type {Event} */ event) => {
    event.preventDefault();
    close();
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    // The sheet around the dialog stays open.
    event.stopPropagation();
    close();
  };

  return html`<dialog
    class="confirm"
    aria-labelledby="confirm-heading"
    aria-describedby="confirm-text"
    ref=${dialog}
    onCancel=${onCancel}
    onKeyDown=${onKeyDown}
  >
    <form onSubmit=${confirm}>
      <h3 id="confirm-heading">${heading}</h3>
      <div id="confirm-text" class="confirm-text">${children}</div>
      ${word !== undefined &&
      html`<div class="field">
        <label for="confirm-word">Type ${word} to confirm</label>
        <input
          id="confirm-word"
          class="input"
          autocomplete="off"
          autocapitalize="none"
          spellcheck=${false}
          value=${typed}
          disabled=${isWorking}
          onInput=${(/** @type {{target: HTMLInputElement}} */ { target }) => setTyped(target.value)}
        />
      </div>`}
      ${error !== null && html`<${Problem} error=${error} />`}
      <p class="confirm-progress soft" role="status">${isWorking ? working : ""}</p>
      <div class="confirm-buttons">
        <button type="button" class="button" disabled=${isWorking} onClick=${close}>Cancel</button>
        <button type="submit" class="button danger" disabled=${!isReady || isWorking}>
          ${error === null ? action : "Try again"}
        </button>
      </div>
    </form>
  </dialog>`;
}
