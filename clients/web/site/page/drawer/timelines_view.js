import { html } from "../../vendor/preact/standalone.mjs";
import { description, drawing, figures, tickLabel } from "./timeline_scale.js";

/** @typedef {import("./turn_timelines.js").TurnTimeline} TurnTimeline */

const ROW_HEIGHT = 16;
const ROWS_TOP = 4;
const AXIS_HEIGHT = 16;
/** The share of the width that is left for the label of the last tick. */
const RIGHT_PERCENT = 4;
/** Rows from the top; tools that overlap get a row each below them. */
const ROWS = { speech: 0, wait: 0, reply: 1, tool: 2 };

/**
 * The timelines of the latest turns, the newest first.
 * @param {{turns: TurnTimeline[], nowMs: number}} props
 */
export function TimelinesView({ turns, nowMs }) {
  if (turns.length === 0) return html`<p class="soft">No turns yet. The turns of a call appear here.</p>`;
  return html`<${Legend} />
    <ol class="timelines" reversed>
      ${turns.toReversed().map(
        (turn) => html`<li key=${turn.turn} class="timeline">
          <h3 class="timeline-heading">
            Turn ${turn.turn} <span class="soft small">${figures(turn).join(" · ")}</span>
          </h3>
          <${Lanes} turn=${turn} nowMs=${nowMs} />
          <p class="visually-hidden">${description(turn, nowMs)}</p>
        </li>`,
      )}
    </ol>`;
}

function Legend() {
  const kinds = [
    ["speech", "Your speech"], ["wait", "Wait"], ["reply", "Reply"], ["tool", "Tool"],
    ["mark heard", "Heard"], ["mark interrupted", "Interrupted"], ["mark end", "End"],
  ];
  return html`<ul class="timeline-legend small soft" aria-hidden="true">
    ${kinds.map(
      ([kind, label]) => html`<li key=${kind}><span class=${`swatch ${kind}`} />${label}</li>`,
    )}
  </ul>`;
}

/** @param {{turn: TurnTimeline, nowMs: number}} props */
function Lanes({ turn, nowMs }) {
  const { bars, marks, lengthMs, ticksMs } = drawing(turn, nowMs);
  // In percents of the width, so that texts and lines have the same size on every screen.
  const x = (/** @type {number} */ ms) => (ms / lengthMs) * (100 - RIGHT_PERCENT);
  const toolCount = bars.filter(({ kind }) => kind === "tool").length;
  const bottom = ROWS_TOP + (ROWS.tool + toolCount) * ROW_HEIGHT;
  let tools = 0;
  const placed = bars.map((bar) => ({
    ...bar, row: bar.kind === "tool" ? ROWS.tool + tools++ : ROWS[bar.kind],
  }));
  return html`<svg
    class="timeline-drawing"
    height=${bottom + AXIS_HEIGHT}
    aria-hidden="true"
  >
    ${ticksMs.map(
      (tick) => html`<g key=${tick} class="tick">
        <line x1=${`${x(tick)}%`} x2=${`${x(tick)}%`} y1=${ROWS_TOP} y2=${bottom} />
        <text x=${`${x(tick)}%`} y=${bottom + 12} text-anchor=${tick === 0 ? "start" : "middle"}>
          ${tickLabel(tick)}
        </text>
      </g>`,
    )}
    ${placed.map(
      ({ kind, label, startMs, endMs, row }, at) => html`<rect
        key=${at}
        class=${`bar ${kind}`}
        x=${`${x(startMs)}%`}
        y=${ROWS_TOP + row * ROW_HEIGHT + 2}
        width=${`${Math.max(0.4, x(endMs) - x(startMs))}%`}
        height=${ROW_HEIGHT - 4}
        rx="3"
      >
        <title>${label}</title>
      </rect>`,
    )}
    ${marks.map(
      ({ kind, label, atMs }, at) => html`<line
        key=${`mark-${at}`}
        class=${`mark ${kind}`}
        x1=${`${x(atMs)}%`}
        x2=${`${x(atMs)}%`}
        y1="0"
        y2=${bottom}
      >
        <title>${label}</title>
      </line>`,
    )}
  </svg>`;
}
