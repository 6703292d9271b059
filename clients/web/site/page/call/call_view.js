import { html, useCallback } from "../../vendor/preact/standalone.mjs";
import { endingOf, noticeOf } from "../state/notices.js";
import { PHASE_WORDS, phaseOf } from "../state/phase.js";
import { textOf } from "../state/turns.js";
import { capitalised } from "../words.js";
import { Captions } from "./captions.js";
import { Composer } from "./composer.js";
import { Controls } from "./controls.js";
import { NoticeBar } from "./notice_bar.js";
import { VoiceLine } from "./voice_line.js";

/**
 * The call: captions, the voice line with the state in words, controls and typed input.
 *
 * @param {import("../panels/panels.js").PanelProps} props
 */
export function CallView({ state, actions }) {
  const { call } = state;
  const { control } = actions;
  const agent = capitalised(state.settings?.business ?? "Agent");
  const turns = call.turns.filter(({ user, model, notices, tools }) =>
    textOf([...user, ...model]) !== "" || notices.length > 0 || tools.length > 0,
  );
  const isOver = call.stage === "over";
  return html`<div class=${`call ${turns.length === 0 ? "empty" : ""}`}>
    <${Captions} turns=${turns} agent=${agent} />
    <div class="dock">
      ${isOver
        ? html`<${Ending} state=${state} actions=${actions} />`
        : html`<${Stage} call=${call} agent=${agent} control=${control} />
            <${NoticeBar} notice=${noticeOf(call)} control=${control} />
            <${Controls} call=${call} control=${control} />
            <${Composer}
              isEnabled=${call.stage === "open"}
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
    <p class="phase" data-phase=${phase}>
      ${PHASE_WORDS[phase]}
      ${phase === "looking-up" &&
      html`<span class="phase-detail code">${call.runningTools[0].name}</span>`}
    </p>
    <div class="strings">
      <span class="side user" aria-hidden="true">You</span>
      <${VoiceLine} phase=${phase} readLevels=${readLevels} />
      <span class="side model" aria-hidden="true">${agent}</span>
    </div>
    <p class="visually-hidden" role="status">${announced(phase)}</p>
  </section>`;
}

/**
 * Return what a screen reader says of a phase. It is silent about the phases of normal talk, which
 * would sound over the voices.
 *
 * @param {import("../state/phase.js").Phase} phase
 */
function announced(phase) {
  return ["connecting", "reconnecting", "muted"].includes(phase) ? PHASE_WORDS[phase] : "";
}

/** @param {import("../panels/panels.js").PanelProps} props */
function Ending({ state, actions }) {
  const { title, text } = endingOf(state.call);
  const { control } = actions;
  const again = (/** @type {string | undefined} */ conversation) => () =>
    control.start({ mode: state.call.mode, conversation, keepsTurns: conversation !== "new" });
  return html`<section class="ending" aria-label="End of the call">
    <div role="status">
      <h2>${title}</h2>
      <p class="soft">${text}</p>
    </div>
    <div class="ways">
      ${state.isSignedIn
        ? html`<button
              type="button"
              class="button primary"
              onClick=${again(state.call.conversationId ?? undefined)}
            >
              Talk again
            </button>
            <button type="button" class="button" onClick=${again("new")}>
              New conversation
            </button>`
        : html`<button type="button" class="button primary" onClick=${() => actions.signIn()}>
            Sign in
          </button>`}
      <button type="button" class="button plain" onClick=${() => actions.leaveCall()}>Done</button>
    </div>
  </section>`;
}
