import { html, useEffect, useRef, useState } from "../../../vendor/preact/standalone.mjs";
import { Icon } from "../../icons.js";
import { ConversationView } from "./conversation_view.js";
import { formatCount, formatMoment } from "../../formatting.js";
import { ListEnd } from "../parts.js";
import { usePagedList } from "../use_paged_list.js";

/** @typedef {import("../../../repartee/http_api.js").ConversationEntry} ConversationEntry */

/**
 * Past conversations: a list, and the one that the user opens in it.
 * @param {object} props
 * @param {import("../../../repartee/http_api.js").HttpApi} props.api
 * @param {string | null} props.current the conversation of the running call
 * @param {string} props.agent the name of the other side
 * @param {(conversationId: string) => void} props.onContinue
 */
export function ConversationsPanel({ api, current, agent, onContinue }) {
  const list = usePagedList((after) => api.conversations({ after }), [api, current]);
  const [open, setOpen] = useState(/** @type {ConversationEntry | null} */ (null));
  const [deleted, setDeleted] = useState("");
  const summary = useRef(/** @type {HTMLElement | null} */ (null));
  const rows = useRef(/** @type {Map<string, HTMLElement>} */ (new Map()));
  const returnTo = useRef("");

  useEffect(() => {
    if (open !== null || returnTo.current === "") return;
    (rows.current.get(returnTo.current) ?? summary.current)?.focus();
    returnTo.current = "";
  }, [open]);

  const show = (/** @type {ConversationEntry} */ conversation) => {
    setDeleted("");
    returnTo.current = conversation.conversation_id;
    setOpen(conversation);
  };
  const forget = (/** @type {ConversationEntry} */ { conversation_id: id, title }) => {
    list.remove((one) => one.conversation_id === id);
    setDeleted(`“${titleOf(title)}” is deleted.`);
    setOpen(null);
  };

  if (open !== null) {
    return html`<${ConversationView}
      key=${open.conversation_id}
      api=${api}
      conversation=${open}
      isCurrent=${open.conversation_id === current}
      agent=${agent}
      onContinue=${() => onContinue(open.conversation_id)}
      onDeleted=${() => forget(open)}
      onBack=${() => setOpen(null)}
    />`;
  }
  const isEmpty = list.status === "ready" && list.items.length === 0;
  return html`<div class="panel">
    <p class="panel-note" role="status" tabindex="-1" ref=${summary}>
      ${deleted}${isEmpty && " There are no conversations. Each call is kept here."}
    </p>
    <ul class="panel-list">
      ${list.items.map(
        (conversation) => html`<li key=${conversation.conversation_id}>
          <button
            type="button"
            class="panel-row"
            ref=${(/** @type {HTMLElement | null} */ element) =>
              keep(rows.current, conversation.conversation_id, element)}
            onClick=${() => show(conversation)}
          >
            <span class="panel-row-text">
              <span class="panel-row-title" dir="auto">${titleOf(conversation.title)}</span>
              <span class="soft small">
                ${formatMoment(conversation.updated_at, Date.now())} ·${" "}
                ${formatCount(conversation.turn_count, "turn")}
                ${conversation.conversation_id === current &&
                html` · <span class="panel-current">in this call</span>`}
              </span>
            </span>
            <${Icon} name="next" />
          </button>
        </li>`,
      )}
    </ul>
    <${ListEnd} list=${list} more="Show older" />
  </div>`;
}

/**
 * Returns the title of a conversation; a conversation without turns has none.
 * @param {string} title
 */
export function titleOf(title) {
  return title.trim() || "No title";
}

/**
 * @param {Map<string, HTMLElement>} rows
 * @param {string} id
 * @param {HTMLElement | null} element
 */
function keep(rows, id, element) {
  if (element === null) rows.delete(id);
  else rows.set(id, element);
}
