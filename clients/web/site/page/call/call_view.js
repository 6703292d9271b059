import { html, useCallback } from "../../vendor/preact/standalone.mjs";
import { useFocusOnAppearing } from "../focus.js";
import { agentName } from "../state/app_state.js";
import { noticeOf } from "../state/notices.js";
import { PHASE_WORDS, phaseOf } from "../state/phase.js";
import { textOf } from "../state/turns.js";
import { Captions } from "./captions.js";
import { Composer } from "./composer.js";
import { Controls } from "./controls.js";
import { Ending } from "./ending.js";
import { NoticeBar } from "./notice_bar.js";
import { VoiceLine } from "./voice_line.js";

/**
 * The call: captions, the voice line with the state in words, controls and typed input.
 * @param {import("../panels/panels.js").PanelProps} props
 */
export function CallView({ state, actions }) {
  const { call } = state;
  const { control } = actions;
  const first = call.mode === "typed" ? "#message" : "#conversation";
  useFocusOnAppearing(() => document.querySelector(first));
  const agent = agentName(state);
  const turns = call.turns.filter(({ user, model, notices, tools }) =>
    textOf([...user, ...model]) !== "" || notices.length > 0 || tools.length > 0,
  );
  const isOver = call.stage === "over";
  return html`<div class=${`call ${turns.length === 0 && !isOver ? "empty" : ""}`}>
    <${Captions} turns=${turns} agent=${agent} />
    <div class="dock">
      ${isOver
        ? html`<${Ending} state=${state} actions=${actions} />`
        : html`<${Stage} call=${call} agent=${agent} control=${control} />
            <${NoticeBar} notice=${noticeOf(call)} control=${control} />
            <${Controls} call=${call} control=${control} />
            <${Composer}
              onSend=${(/** @type {string} */ text) => control.sendText(text)}
            />`}
    </div>
  </div>`;
}

/**
 * @param {object} props
 * @param {import("../state/call_state.js").CallState} props.call
 * @param {string} props.agent
 * @param {import("../call_control.js").CallControl} props.control
 */
function Stage({ call, agent, control }) {
  const phase = phaseOf(call);
  const readLevels = useCallback(() => control.levels, [control]);
  return html`<section class="stage" aria-label="State of the call">
    <${VoiceLine} phase=${phase} readLevels=${readLevels} />
    <span class="side user" aria-hidden="true">You</span>
    <p class="phase" data-phase=${phase}>${PHASE_WORDS[phase]}</p>
    <span class="side model" aria-hidden="true">${agent}</span>
    <p class="phase-detail">${detailOf(call, phase)}</p>
    <p class="visually-hidden" role="status">${announced(phase)}</p>
  </section>`;
}

/**
 * @param {import("../state/call_state.js").CallState} call
 * @param {import("../state/phase.js").Phase} phase
 */
function detailOf(call, phase) {
  if (phase === "looking-up") return html`<span class="code">${call.runningTools[0].name}</span>`;
  if (phase === "reconnecting") return "The call goes on by itself.";
  if (call.turns.length > 0) return "";
  if (phase === "listening") return "Say something, or type.";
  if (phase === "ready") return "Type a message.";
  return "";
}

/**
 * Returns what a screen reader says of a phase. It is silent about the phases of normal talk, which
 * would sound over the voices.
 * @param {import("../state/phase.js").Phase} phase
 */
function announced(phase) {
  return ["connecting", "reconnecting", "muted"].includes(phase) ? PHASE_WORDS[phase] : "";
}
