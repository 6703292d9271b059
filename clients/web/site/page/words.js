/** The texts for states and problems of a call, and the form of numbers in texts. */

/**
 * @param {number} usd
 * @returns {string} with enough digits for a turn that costs a hundredth of a cent
 */
export function dollars(usd) {
  const digits = usd === 0 || usd >= 1 ? 2 : usd < 0.01 ? 4 : 3;
  return `$${usd.toFixed(digits)}`;
}

/**
 * @param {number} ms
 * @returns {string} such as `1.2 s`
 */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

/**
 * @param {number} ms
 * @returns {string} such as `2:05`
 */
export function clock(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(total / 60);
  const rest = String(total % 60).padStart(2, "0");
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/**
 * @param {number} atMs
 * @param {number} [nowMs]
 * @returns {string} such as `at 13:05`, with the day unless it is today
 */
export function timeOf(atMs, nowMs = Date.now()) {
  const at = new Date(atMs);
  const time = at.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  if (at.toDateString() === new Date(nowMs).toDateString()) return `at ${time}`;
  return `on ${at.toLocaleDateString([], { weekday: "long" })} at ${time}`;
}

/**
 * @param {import("./state/app_state.js").LimitLeft[]} limits
 * @returns {string} such as `57 min left today`; empty without a limit
 */
export function limitsLeft(limits) {
  const parts = limits.map(({ kind, left }) =>
    kind === "talk_seconds" ? talkLeft(left) : dollars(Math.max(0, left)),
  );
  return parts.length === 0 ? "" : `${parts.join(", ")} left today`;
}

/** @param {number} leftS */
function talkLeft(leftS) {
  return leftS >= 60 ? `${Math.floor(leftS / 60)} min` : `${Math.max(0, Math.floor(leftS))} s`;
}

/** @param {string} text */
export function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
