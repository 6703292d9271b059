import { html, useLayoutEffect, useRef, useState } from "../../vendor/preact/standalone.mjs";
import { downloadJson, fileName } from "../download.js";
import { ConfirmDialog } from "./confirm_dialog.js";
import { deletedText, exportText } from "./data_words.js";
import { Problem } from "./parts.js";

/**
 * The export of all data, and its erasure.
 * @param {object} props
 * @param {import("../../repartee/http_api.js").HttpApi} props.api
 * @param {boolean} props.isInCall
 * @param {() => void} props.onErased is called when the user has read what was deleted
 */
export function YourDataPanel({ api, isInCall, onErased }) {
  return html`<div class="panel">
    <section aria-labelledby="export-heading">
      <h3 id="export-heading">Export</h3>
      <p class="soft">
        One JSON file with all that is stored about you: conversations, notes, appointments, settings
        and usage.
      </p>
      <${Export} api=${api} />
    </section>
    <section aria-labelledby="erase-heading">
      <h3 id="erase-heading">Erase everything</h3>
      <p class="soft">
        Deletes all this data permanently and ends your access. You cannot come back with the same
        sign-in.
      </p>
      <${Erase} api=${api} isInCall=${isInCall} onErased=${onErased} />
    </section>
  </div>`;
}

/** @param {{api: import("../../repartee/http_api.js").HttpApi}} props */
function Export({ api }) {
  const [isWorking, setIsWorking] = useState(false);
  const [done, setDone] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const start = async () => {
    setIsWorking(true);
    setDone("");
    setError(null);
    try {
      const document = await api.exportAll();
      const name = fileName("export", Date.now());
      downloadJson(name, document);
      setDone(`Saved ${name} with ${exportText(document)}.`);
    } catch (problem) {
      setError(problem);
    }
    setIsWorking(false);
  };
  return html`<button type="button" class="button" disabled=${isWorking} onClick=${start}>
      Export my data
    </button>
    <p class="panel-note small" role="status">${isWorking ? "Collecting your data…" : done}</p>
    ${error !== null && html`<${Problem} error=${error} onRetry=${start} />`}`;
}

/**
 * @param {object} props
 * @param {import("../../repartee/http_api.js").HttpApi} props.api
 * @param {boolean} props.isInCall
 * @param {() => void} props.onErased
 */
function Erase({ api, isInCall, onErased }) {
  const [isAsking, setIsAsking] = useState(false);
  const [progress, setProgress] = useState("");
  const [deleted, setDeleted] = useState(/** @type {string | null} */ (null));
  const erase = async () => {
    const { deleted: counts } = await api.erase({
      onProgress: (one) => setProgress(deletedText(one.deleted)),
    });
    setIsAsking(false);
    setDeleted(deletedText(counts));
  };
  return html`<button type="button" class="button danger" onClick=${() => setIsAsking(true)}>
      Erase everything
    </button>
    ${isAsking &&
    html`<${ConfirmDialog}
      heading="Erase everything?"
      action="Erase everything"
      working=${`Erasing. Keep this page open. ${progress}`}
      word="erase"
      onConfirm=${erase}
      onClose=${() => setIsAsking(false)}
    >
      <p>All your data is deleted permanently. You cannot come back with the same sign-in.</p>
      ${isInCall && html`<p><strong>The running call ends.</strong></p>`}
    <//>`}
    ${deleted !== null && html`<${Erased} text=${deleted} onClose=${onErased} />`}`;
}

/** @param {{text: string, onClose: () => void}} props */
function Erased({ text, onClose }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return html`<dialog
    class="confirm"
    aria-labelledby="erased-heading"
    aria-describedby="erased-text"
    ref=${dialog}
    onCancel=${(/** @type {Event} */ event) => event.preventDefault()}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.stopPropagation()}
  >
    <h3 id="erased-heading">Your data is erased</h3>
    <p id="erased-text">${text}</p>
    <div class="confirm-buttons">
      <button type="button" class="button primary" onClick=${onClose}>
        Sign out
      </button>
    </div>
  </dialog>`;
}
