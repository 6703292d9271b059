import { html, useEffect, useRef, useState } from "../../../vendor/preact/standalone.mjs";
import { Icon } from "../../icons.js";
import { formatCount, formatMoment, formatUsd } from "../../formatting.js";
import { ConfirmDialog } from "../confirm_dialog.js";
import { titleOf } from "./conversations_panel.js";
import { ListEnd } from "../parts.js";
import { StoredTurn } from "./stored_turn.js";
import { usePagedList } from "../use_paged_list.js";

/**
 * One past conversation: its turns, and buttons to continue and to delete it.
 * @param {object} props
 * @param {import("../../../repartee/http_api.js").HttpApi} props.api
 * @param {import("../../../repartee/http_api.js").ConversationEntry} props.conversation
 * @param {boolean} props.isCurrent whether the running call is in it
 * @param {string} props.agent the name of the other side
 * @param {() => void} props.onContinue
 * @param {() => void} props.onDeleted
 * @param {() => void} props.onBack
 */
export function ConversationView({
  api, conversation, isCurrent, agent, onContinue, onDeleted, onBack,
}) {
  const { conversation_id: id, turn_count: turnCount } = conversation;
  const list = usePagedList((after) => api.turns(id, { after }), [api, id]);
  const [isAsking, setIsAsking] = useState(false);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const title = titleOf(conversation.title);

  useEffect(() => heading.current?.focus(), []);

  const costUsd = list.items.reduce((sum, turn) => sum + turn.cost_usd, 0);
  const isComplete = list.status === "ready" && !list.hasMore;
  return html`<article class="panel" aria-labelledby="conversation-title">
    <button type="button" class="button plain panel-back" onClick=${onBack}>
      <${Icon} name="back" />All conversations
    </button>
    <header class="panel-heading">
      <h3 id="conversation-title" tabindex="-1" dir="auto" ref=${heading}>${title}</h3>
      <p class="soft small">
        ${formatMoment(conversation.created_at, Date.now())} · ${formatCount(turnCount, "turn")}
        ${isComplete && costUsd > 0 && html` · ${formatUsd(costUsd)}`}
      </p>
    </header>
    <div class="panel-actions">
      ${isCurrent
        ? html`<p class="panel-current small">The running call is in this conversation.</p>`
        : html`<button type="button" class="button primary" onClick=${onContinue}>Continue</button>`}
      <button type="button" class="button danger" onClick=${() => setIsAsking(true)}>Delete</button>
    </div>
    <ol class="stored-turns">
      ${list.items.map(
        (turn) => html`<li key=${turn.number}>
          <${StoredTurn} turn=${turn} agent=${agent} since=${conversation.created_at} />
        </li>`,
      )}
    </ol>
    ${isComplete && list.items.length === 0 && html`<p class="soft">It has no turns.</p>`}
    <${ListEnd} list=${list} more="Show later turns" />
    ${isAsking &&
    html`<${DeleteDialog}
      api=${api}
      id=${id}
      title=${title}
      isCurrent=${isCurrent}
      onDeleted=${onDeleted}
      onClose=${() => setIsAsking(false)}
    />`}
  </article>`;
}

/**
 * @param {object} props
 * @param {import("../../../repartee/http_api.js").HttpApi} props.api
 * @param {string} props.id
 * @param {string} props.title
 * @param {boolean} props.isCurrent
 * @param {() => void} props.onDeleted
 * @param {() => void} props.onClose
 */
function DeleteDialog({ api, id, title, isCurrent, onDeleted, onClose }) {
  const erase = async () => {
    await api.deleteConversation(id);
    onDeleted();
  };
  return html`<${ConfirmDialog}
    heading="Delete this conversation?"
    action="Delete"
    working="Deleting. This can take some seconds."
    onConfirm=${erase}
    onClose=${onClose}
  >
    <p>“<bdi>${title}</bdi>” is deleted permanently, with all its turns.</p>
    ${isCurrent && html`<p><strong>The running call is in it, and ends.</strong></p>`}
    <p class="soft">Notes, settings, appointments and the cost of the calls stay.</p>
  <//>`;
}
