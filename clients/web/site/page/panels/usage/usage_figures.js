/** Turns the answer of `GET /me/usage` into what the panel draws and says. */

import { formatSeconds, formatTime, formatUsd } from "../../formatting.js";

const CHART_DAYS = 14;
const DAY_MS = 86_400_000;
const LOW_SHARE = 0.9;

/**
 * Returns the name of a limit, what is left of it, and the used share.
 * @param {{kind: string, limit: number, left: number}} limit in s of talk, or in USD
 */
export function limitView({ kind, limit, left }) {
  const isTalk = kind === "talk_seconds";
  const write = isTalk ? formatSeconds : formatUsd;
  const share = limit > 0 ? Math.min(1, Math.max(0, 1 - left / limit)) : 1;
  return {
    name: isTalk ? "Talk" : kind === "cost" ? "Cost" : kind,
    left: left > 0 ? `${write(left)} of ${write(limit)} left` : `${write(limit)} used up`,
    share,
    isLow: share >= LOW_SHARE,
  };
}

/**
 * Says when the day's counters start again, in local time.
 * @param {string} resetsAt RFC 3339
 * @param {number} nowMs
 * @param {import("../../formatting.js").Place} [place]
 */
export function resetText(resetsAt, nowMs, place) {
  const leftS = Math.max(0, (Date.parse(resetsAt) - nowMs) / 1000);
  const wait = leftS >= 60 ? formatSeconds(Math.floor(leftS / 60) * 60) : "less than a minute";
  return `A new day starts at ${formatTime(resetsAt, place)}, in ${wait}.`;
}

/**
 * Returns a column for each of the last two weeks' days, also for those without usage.
 * @param {{day: string, talk_s: number}[]} days
 * @param {string} today such as "2026-11-20"
 * @returns {{day: string, share: number, label: string}[]} oldest first; the share is that of the
 *   longest day
 */
export function chartDays(days, today) {
  const talkS = new Map(days.map((day) => [day.day, day.talk_s]));
  const lastMs = Date.parse(today);
  const names = Array.from({ length: CHART_DAYS }, (_, at) =>
    new Date(lastMs - (CHART_DAYS - 1 - at) * DAY_MS).toISOString().slice(0, 10),
  );
  const longestS = Math.max(...names.map((day) => talkS.get(day) ?? 0), 1);
  return names.map((day) => ({
    day,
    share: (talkS.get(day) ?? 0) / longestS,
    label: String(Number(day.slice(8))),
  }));
}
