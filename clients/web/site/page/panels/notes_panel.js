import { html, useEffect, useRef, useState } from "../../vendor/preact/standalone.mjs";
import { ConfirmDialog } from "./confirm_dialog.js";
import { formatMoment } from "../formatting.js";
import { ListEnd } from "./parts.js";
import { usePagedList } from "./use_paged_list.js";

/** @typedef {import("../../repartee/http_api.js").Note} Note */

/**
 * The notes that the user asked for.
 * @param {object} props
 * @param {import("../../repartee/http_api.js").HttpApi} props.api
 * @param {number} props.revision changes when a call may have added a note
 */
export function NotesPanel({ api, revision }) {
  const list = usePagedList((after) => api.notes({ after }), [api]);
  const [asked, setAsked] = useState(/** @type {Note | null} */ (null));
  const [deleted, setDeleted] = useState("");
  const summary = useRef(/** @type {HTMLElement | null} */ (null));
  const isFirst = useRef(true);

  useEffect(() => {
    // A reload would take away the older notes that the user has asked for.
    if (!isFirst.current && !list.isBeyondFirst) void list.reload();
    isFirst.current = false;
  }, [revision]);
  useEffect(() => {
    if (deleted) summary.current?.focus();
  }, [deleted]);

  const forget = async (/** @type {Note} */ { note_id: id, text }) => {
    await api.deleteNote(id);
    list.remove((one) => one.note_id === id);
    setAsked(null);
    setDeleted(`“${text}” is deleted.`);
  };
  const isEmpty = list.status === "ready" && list.items.length === 0;
  return html`<div class="panel">
    <p class="panel-note" role="status" tabindex="-1" ref=${summary}>${deleted}</p>
    ${isEmpty &&
    html`<div class="panel-empty">
      <p>No notes yet.</p>
      <p class="soft">
        To add one, say in a call: <q>Remember that I like mornings.</q> Later calls know your notes.
      </p>
    </div>`}
    <ul class="panel-list">
      ${list.items.map(
        (note) => html`<li key=${note.note_id} class="panel-item">
          <span class="panel-row-text">
            <span dir="auto">${note.text}</span>
            <span class="soft small">${formatMoment(note.noted_at, Date.now())}</span>
          </span>
          <button
            type="button"
            class="button plain"
            aria-label=${`Delete the note: ${note.text}`}
            onClick=${() => setAsked(note)}
          >
            Delete
          </button>
        </li>`,
      )}
    </ul>
    <${ListEnd} list=${list} more="Show older" />
    ${asked !== null &&
    html`<${ConfirmDialog}
      heading="Delete this note?"
      action="Delete"
      working="Deleting"
      onConfirm=${() => forget(asked)}
      onClose=${() => setAsked(null)}
    >
      <p>“<bdi>${asked.text}</bdi>”</p>
      <p class="soft">
        A running call forgets it at its next pause. Turns that mention it stay in their conversation.
      </p>
    <//>`}
  </div>`;
}
