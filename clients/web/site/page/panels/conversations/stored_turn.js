import { html } from "../../../vendor/preact/standalone.mjs";
import { Icon } from "../../icons.js";
import {
  formatCount, formatMoment, formatTime, formatUsd, formatWait, isSameDay,
} from "../../formatting.js";

/**
 * One stored turn: both sides, the tools, the time and the cost.
 * @param {object} props
 * @param {import("../../../repartee/http_api.js").StoredTurn} props.turn
 * @param {string} props.agent the name of the other side
 * @param {string} props.since the start of the conversation
 */
export function StoredTurn({ turn, agent, since }) {
  const { heard, said, tool_calls: tools } = turn;
  return html`<div class="stored-turn">
    ${heard.text && html`<${Side} side="user" name="You" text=${heard.text} />`}
    ${tools.map(
      ({ name, status, answer }, at) => html`<details class="stored-tool" key=${at}>
        <summary>
          <${Icon} name="search" /><span class="code">${name}</span>
          <span class="soft">${status}</span>
        </summary>
        <p dir="auto">${answer || "It gave no answer."}</p>
      </details>`,
    )}
    ${said.text && html`<${Side} side="model" name=${agent} text=${said.text} />`}
    <p class="stored-facts small soft">${turnFacts(turn, since, Date.now()).join(" · ")}</p>
  </div>`;
}

/** @param {{side: string, name: string, text: string}} props */
function Side({ side, name, text }) {
  return html`<p class=${`caption ${side}`} dir="auto">
    <span class="speaker">${name}</span><span class="words">${text}</span>
  </p>`;
}

/**
 * Returns what is known about a turn, in words; the day only if it is not that of the start.
 * @param {import("../../../repartee/http_api.js").StoredTurn} turn
 * @param {string} since the start of the conversation
 * @param {number} nowMs
 * @param {import("../../formatting.js").Place} [place]
 */
export function turnFacts(turn, since, nowMs, place) {
  const { said, first_audio_ms: firstAudioMs, skipped_messages: skipped } = turn;
  return [
    isSameDay(turn.started_at, since, place)
      ? formatTime(turn.started_at, place)
      : formatMoment(turn.started_at, nowMs, place),
    ...(said.approximate ? [said.text ? "cut off about here" : "cut off before a word"] : []),
    ...(turn.shortened ? ["shortened"] : []),
    ...(skipped ? [`${formatCount(skipped, "message")} lost`] : []),
    ...(firstAudioMs === null ? [] : [`reply after ${formatWait(firstAudioMs)}`]),
    formatUsd(turn.cost_usd),
  ];
}
