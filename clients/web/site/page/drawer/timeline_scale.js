import { formatSeconds, formatUsd, formatWait } from "../formatting.js";

/**
 * @typedef {import("./turn_timelines.js").TurnTimeline} TurnTimeline
 *
 * @typedef {object} Bar
 * @property {"speech" | "wait" | "reply" | "tool"} kind
 * @property {string} label
 * @property {number} startMs from the timeline's start
 * @property {number} endMs
 *
 * @typedef {object} Mark
 * @property {"heard" | "interrupted" | "end" | "typed"} kind
 * @property {string} label
 * @property {number} atMs from the timeline's start
 *
 * @typedef {object} Drawing
 * @property {number} lengthMs
 * @property {Bar[]} bars
 * @property {Mark[]} marks
 * @property {number[]} ticksMs
 */

const MIN_LENGTH_MS = 1_000;
const STEPS_MS = [200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 1_800_000];
const MAX_TICKS = 6;

/**
 * Returns when the user finished: as the client marked it, or as the server measured it.
 * @param {TurnTimeline} turn
 */
function inputEndMs(turn) {
  if (turn.input?.endMs != null) return turn.input.endMs;
  if (turn.firstAudioMs === null || turn.serverFirstAudioMs === null) return null;
  return turn.firstAudioMs - turn.serverFirstAudioMs;
}

/**
 * Returns how long the user waited for the first reply audio; null where it is not known.
 * @param {TurnTimeline} turn
 */
export function waitMs(turn) {
  const endMs = inputEndMs(turn);
  if (endMs === null || turn.firstAudioMs === null) return null;
  return Math.max(0, turn.firstAudioMs - endMs);
}

/**
 * Returns the bars and marks of a turn, with times from the turn's start.
 * @param {TurnTimeline} turn
 * @param {number} nowMs the end of what is still running
 * @returns {Drawing}
 */
export function drawing(turn, nowMs) {
  const { input } = turn;
  const finishedMs = inputEndMs(turn);
  /** @type {Bar[]} */
  const bars = [];
  if (input?.kind === "speech") {
    bars.push(bar("speech", "Your speech", input.startMs, input.endMs ?? nowMs));
  }
  const replyMs = replyEndMs(turn);
  if (finishedMs !== null) {
    const until = turn.firstAudioMs ?? turn.endMs ?? turn.interruptedMs ?? nowMs;
    if (until > finishedMs) bars.push(bar("wait", "Wait for the reply", finishedMs, until));
  }
  if (turn.firstAudioMs !== null && replyMs !== null) {
    bars.push(bar("reply", "Reply", turn.firstAudioMs, replyMs));
  }
  for (const tool of turn.tools) {
    bars.push(bar("tool", `${tool.name} (${tool.phase})`, tool.startMs, tool.endMs ?? nowMs));
  }
  const marks = [
    ...(input?.kind === "text" ? [mark("typed", "Typed", input.startMs)] : []),
    ...(turn.heardMs === null ? [] : [mark("heard", "Heard", turn.heardMs)]),
    ...(turn.interruptedMs === null
      ? [] : [mark("interrupted", "Interrupted", turn.interruptedMs)]),
    ...(turn.endMs === null ? [] : [mark("end", "End of the turn", turn.endMs)]),
  ];
  const moments = [
    ...bars.flatMap(({ startMs, endMs }) => [startMs, endMs]), ...marks.map(({ atMs }) => atMs),
  ];
  const startMs = moments.length ? Math.min(...moments) : nowMs;
  const lengthMs = Math.max(MIN_LENGTH_MS, ...moments.map((moment) => moment - startMs));
  return {
    lengthMs,
    bars: bars.map((one) => ({
      ...one, startMs: one.startMs - startMs, endMs: one.endMs - startMs,
    })),
    marks: marks.map((one) => ({ ...one, atMs: one.atMs - startMs })),
    ticksMs: ticks(lengthMs),
  };
}

/**
 * Describes a turn in words, for those who do not see the drawing.
 * @param {TurnTimeline} turn
 * @param {number} nowMs
 */
export function description(turn, nowMs) {
  const { bars, marks } = drawing(turn, nowMs);
  const parts = [
    ...bars.map(({ label, startMs, endMs }) => ({
      atMs: startMs, text: `${label}: ${exact(startMs)} to ${exact(endMs)}`,
    })),
    ...marks.map(({ label, atMs }) => ({ atMs, text: `${label}: ${exact(atMs)}` })),
  ].sort((one, other) => one.atMs - other.atMs);
  const restarts = turn.restarts ? [`Restarts: ${turn.restarts}`] : [];
  return [...parts.map(({ text }) => text), ...restarts].join(". ");
}

/**
 * Returns the figures of a turn's heading, such as "reply after 0.8 s".
 * @param {TurnTimeline} turn
 */
export function figures(turn) {
  const wait = waitMs(turn);
  return [
    ...(wait === null ? [] : [`reply after ${formatWait(wait)}`]),
    ...(turn.audioMs ? [`${formatWait(turn.audioMs)} of reply`] : []),
    ...(turn.costUsd === null ? [] : [formatUsd(turn.costUsd)]),
  ];
}

/**
 * Returns the labels' text of a tick.
 * @param {number} ms
 */
export function tickLabel(ms) {
  return ms >= 60_000 ? formatSeconds(ms / 1000) : `${ms / 1000} s`;
}

/**
 * Returns when the reply's audio ends, as it is played without pauses from its first chunk.
 * @param {TurnTimeline} turn
 */
function replyEndMs(turn) {
  if (turn.firstAudioMs === null) return null;
  const playedMs = turn.firstAudioMs + turn.audioMs;
  return turn.interruptedMs === null ? playedMs : Math.max(
    turn.firstAudioMs, Math.min(playedMs, turn.interruptedMs),
  );
}

/** @param {number} lengthMs */
function ticks(lengthMs) {
  const last = STEPS_MS[STEPS_MS.length - 1];
  const stepMs = STEPS_MS.find((step) => lengthMs / step <= MAX_TICKS) ?? last;
  const count = Math.min(Math.floor(lengthMs / stepMs), 10 * MAX_TICKS);
  return Array.from({ length: count + 1 }, (_, index) => index * stepMs);
}

/** @param {number} ms */
function exact(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}

/**
 * @param {Bar["kind"]} kind
 * @param {string} label
 * @param {number} startMs
 * @param {number} endMs
 * @returns {Bar}
 */
function bar(kind, label, startMs, endMs) {
  return { kind, label, startMs, endMs: Math.max(startMs, endMs) };
}

/**
 * @param {Mark["kind"]} kind
 * @param {string} label
 * @param {number} atMs
 * @returns {Mark}
 */
function mark(kind, label, atMs) {
  return { kind, label, atMs };
}
