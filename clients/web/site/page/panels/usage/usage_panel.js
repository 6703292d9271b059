import { html, useEffect, useMemo, useState } from "../../../vendor/preact/standalone.mjs";
import { formatDay, formatSeconds, formatUsd } from "../../formatting.js";
import { Loading, Problem } from "../parts.js";
import { chartDays, limitView, resetText } from "./usage_figures.js";

/** @typedef {import("../../../repartee/http_api.js").Usage} Usage */

const DAYS = 30;

/**
 * Today's usage, what is left of the limits, and the last days.
 * @param {object} props
 * @param {import("../../../repartee/http_api.js").HttpApi} props.api
 * @param {number} props.revision changes when a turn has ended
 */
export function UsagePanel({ api, revision }) {
  const [usage, setUsage] = useState(/** @type {Usage | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const controller = new AbortController();
    setError(null);
    api.usage({ days: DAYS, signal: controller.signal }).then(setUsage, (problem) => {
      if (!controller.signal.aborted) setError(problem);
    });
    return () => controller.abort();
  }, [api, revision, attempt]);

  return html`<div class="panel">
    ${error !== null &&
    html`<${Problem} error=${error} onRetry=${() => setAttempt((count) => count + 1)} />`}
    ${usage === null ? error === null && html`<${Loading} />` : html`<${Figures} usage=${usage} />`}
  </div>`;
}

/** @param {{usage: Usage}} props */
function Figures({ usage }) {
  const { today, limits, resets_at: resetsAt, days } = usage;
  return html`<section aria-labelledby="usage-today">
      <h3 id="usage-today">Today</h3>
      <dl class="figures">
        <div><dt>Talk</dt><dd>${formatSeconds(today.talk_s)}</dd></div>
        <div><dt>Cost</dt><dd>${formatUsd(today.cost_usd)}</dd></div>
        <div><dt>Turns</dt><dd>${today.turns}</dd></div>
      </dl>
    </section>
    <section aria-labelledby="usage-limits">
      <h3 id="usage-limits">Limits per day</h3>
      ${limits.length === 0
        ? html`<p class="soft">There is no limit.</p>`
        : html`<ul class="limits">
            ${limits.map((limit) => html`<li key=${limit.kind}><${Limit} limit=${limit} /></li>`)}
          </ul>`}
      <p class="soft small">${resetText(resetsAt, Date.now())}</p>
    </section>
    <${LastDays} days=${days} today=${today.day} />`;
}

/** @param {{limit: import("../../../repartee/http_api.js").LimitLeft}} props */
function Limit({ limit }) {
  const { name, left, share, isLow } = limitView(limit);
  return html`<div class="limit-text"><span>${name}</span><span>${left}</span></div>
    <svg class=${`limit-bar ${isLow ? "low" : ""}`} viewBox="0 0 100 1" preserveAspectRatio="none"
      aria-hidden="true">
      <rect class="limit-track" width="100" height="1" />
      <rect class="limit-used" width=${share * 100} height="1" />
    </svg>`;
}

/** @param {{days: Usage["days"], today: string}} props */
function LastDays({ days, today }) {
  const columns = useMemo(() => chartDays(days, today), [days, today]);
  if (days.length === 0) return null;
  return html`<section aria-labelledby="usage-days">
    <h3 id="usage-days">Talk in the last two weeks</h3>
    <svg class="day-chart" viewBox="0 0 280 90" aria-hidden="true">
      ${columns.map(
        ({ day, share, label }, at) => html`<g key=${day} class=${day === today ? "today" : ""}>
          <rect class="day-track" x=${at * 20 + 2} y="66" width="16" height="2" rx="1" />
          <rect
            class="day-bar" x=${at * 20 + 2} y=${68 - share * 64} width="16" height=${share * 64}
            rx="3"
          />
          <text x=${at * 20 + 10} y="84" text-anchor="middle">${label}</text>
        </g>`,
      )}
    </svg>
    <div class="table-scroll" tabindex="0" role="region" aria-label="Table of the days">
      <table class="day-table">
        <thead>
          <tr><th scope="col">Day</th><th scope="col">Talk</th><th scope="col">Turns</th>
            <th scope="col">Cost</th></tr>
        </thead>
        <tbody>
          ${days.map(
            (day) => html`<tr key=${day.day}>
              <th scope="row">${formatDay(day.day)}</th><td>${formatSeconds(day.talk_s)}</td>
              <td>${day.turns.toLocaleString("en-US")}</td><td>${formatUsd(day.cost_usd)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="soft small">Days are those of UTC. Days without calls are left out of the table.</p>
  </section>`;
}
