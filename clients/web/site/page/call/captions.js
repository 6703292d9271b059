import { html, useLayoutEffect, useRef } from "../../vendor/preact/standalone.mjs";
import { Icon } from "../icons.js";
import { textOf } from "../state/turns.js";
import { formatUsd, formatWait } from "../formatting.js";

/** @typedef {import("../state/turns.js").Turn} Turn */

/** Within this distance of the end, new captions scroll the log. */
const NEAR_END_PX = 80;

/**
 * What both sides said. A screen reader hears each finished piece once: pieces that still grow are
 * hidden from it, and so are the numbers below a turn when they appear.
 * @param {{turns: Turn[], agent: string}} props
 */
export function Captions({ turns, agent }) {
  const log = useRef(/** @type {HTMLElement | null} */ (null));
  const isAtEnd = useRef(true);
  const onScroll = () => {
    const element = log.current;
    if (element === null) return;
    const distance = element.scrollHeight - element.scrollTop - element.clientHeight;
    isAtEnd.current = distance < NEAR_END_PX;
  };
  useLayoutEffect(() => {
    const element = log.current;
    if (element !== null && isAtEnd.current) element.scrollTop = element.scrollHeight;
  });
  useLayoutEffect(() => {
    const element = log.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return html`<div
    class="captions"
    role="log"
    aria-live="polite"
    aria-relevant="additions"
    aria-label="Conversation"
    tabindex="0"
    ref=${log}
    onScroll=${onScroll}
  >
    <div class="captions-column">
      ${turns.map((turn) => html`<${TurnCaptions} key=${turn.key} turn=${turn} agent=${agent} />`)}
    </div>
  </div>`;
}

/** @param {{turn: Turn, agent: string}} props */
function TurnCaptions({ turn, agent }) {
  const hasReply = turn.model.length > 0;
  return html`<div class="turn">
    ${turn.user.length > 0 &&
    html`<${Caption} side="user" name="You" utterances=${turn.user} isTyped=${turn.isTyped} />`}
    ${turn.tools.map(
      (tool, at) => html`<p class="tool-use" key=${at} aria-live="off">
        <${Icon} name="search" /><span>${toolWords(tool)}</span>
        <span class="code">${tool.name}</span>
      </p>`,
    )}
    ${hasReply && html`<${Caption} side="model" name=${agent} utterances=${turn.model} />`}
    ${turn.notices.map(
      (text, at) => html`<p class="turn-notice" key=${`notice-${at}`}>
        <${Icon} name="notice" /><span>${text}</span>
      </p>`,
    )}
    <${TurnFacts} turn=${turn} />
  </div>`;
}

/**
 * @param {object} props
 * @param {"user" | "model"} props.side
 * @param {string} props.name
 * @param {import("../state/turns.js").Utterance[]} props.utterances
 * @param {boolean} [props.isTyped]
 */
function Caption({ side, name, utterances, isTyped = false }) {
  // Another key makes a new element, so that a screen reader notices the end of an utterance.
  return html`<p class=${`caption ${side}`} dir="auto">
    <span class="speaker">${name}${isTyped && html`<span class="soft"> · typed</span>`}</span>
    <span class="words">
      ${utterances.map(({ text, isFinal }, at) =>
        isFinal
          ? html`<span key=${`final-${at}`}>${text}</span>`
          : html`<span key=${`growing-${at}`} aria-hidden="true">${text}</span>`,
      )}
    </span>
  </p>`;
}

/** @param {{turn: Turn}} props */
function TurnFacts({ turn }) {
  const facts = [];
  if (turn.isCut) facts.push("interrupted");
  if (turn.isSoundLost) facts.push("the sound was lost");
  if (turn.firstAudioMs !== null) facts.push(formatWait(turn.firstAudioMs));
  if (turn.costUsd !== null) facts.push(formatUsd(turn.costUsd));
  if (facts.length === 0 || textOf([...turn.user, ...turn.model]) === "") return null;
  return html`<p class="turn-facts" aria-live="off" title=${FACTS_TITLE}>${facts.join(" · ")}</p>`;
}

const FACTS_TITLE = "Time from the end of your words to the first sound, and the cost of the turn";

/** @param {import("../state/turns.js").ToolUse} tool */
function toolWords({ name, phase }) {
  const isRunning = phase === "started";
  if (phase === "failed" || phase === "cancelled") return "Did not find it";
  if (name === "set_preferences") {
    return isRunning ? "Changing your settings" : "Changed your settings";
  }
  if (name === "end_call") return "Ending the call";
  return isRunning ? "Looking it up" : "Looked it up";
}
