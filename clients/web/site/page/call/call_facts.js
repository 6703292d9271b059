import { html, useEffect, useState } from "../../vendor/preact/standalone.mjs";
import { costOfCallUsd } from "../state/phase.js";
import { formatClock, formatSeconds, formatUsd } from "../formatting.js";

/**
 * The length and the cost of the call, and what is left of today.
 * @param {{state: import("../state/app_state.js").AppState}} props
 */
export function CallFacts({ state }) {
  const { call, usage } = state;
  const nowMs = useClock(call.stage === "open");
  const left = limitsLeft(usage?.limits ?? []);
  const isShown = call.startedAtMs !== null;
  if (!isShown && left === "") return null;
  const lengthMs = (call.endedAtMs ?? nowMs) - (call.startedAtMs ?? nowMs);
  return html`<dl class="call-facts">
    ${isShown &&
    html`<div>
        <dt class="visually-hidden">Length of the call</dt>
        <dd>${formatClock(lengthMs)}</dd>
      </div>
      <div>
        <dt class="visually-hidden">Cost of the call</dt>
        <dd>${formatUsd(costOfCallUsd(call))}</dd>
      </div>`}
    ${left !== "" &&
    html`<div class="soft limits-left">
      <dt class="visually-hidden">Today's limits</dt>
      <dd>${left}</dd>
    </div>`}
  </dl>`;
}

/**
 * @param {import("../../repartee/http_api.js").LimitLeft[]} limits
 * @returns {string} such as `57 min left today`; empty without a limit
 */
function limitsLeft(limits) {
  const parts = limits.map(({ kind, left }) => {
    const known = Math.max(0, left);
    if (kind !== "talk_seconds") return formatUsd(known);
    return formatSeconds(known >= 60 ? Math.floor(known / 60) * 60 : Math.floor(known));
  });
  return parts.length === 0 ? "" : `${parts.join(", ")} left today`;
}

/**
 * @param {boolean} isRunning
 * @returns {number} the Unix time in ms, renewed each second
 */
function useClock(isRunning) {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    setNowMs(Date.now());
    if (!isRunning) return;
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [isRunning]);
  return nowMs;
}
