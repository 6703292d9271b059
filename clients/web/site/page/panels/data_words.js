/** Words about a user's data: what an export holds, and what an erasure deleted. */

import { formatCount } from "../formatting.js";

/** The kinds that mean something to a user; the others are counted together. */
const NOUNS = new Map([
  ["conversations", "conversation"],
  ["turns", "turn"],
  ["summaries", "summary"],
  ["notes", "note"],
  ["bookings", "appointment"],
  ["calls", "question to the tools"],
  ["tool_records", "record of a tool"],
  ["usage_days", "day of usage"],
]);

/**
 * Says what an erasure has deleted.
 * @param {Record<string, number>} deleted counts by kind, as in the answer of `DELETE /me`
 */
export function deletedText(deleted) {
  const named = [...NOUNS].flatMap(([kind, noun]) =>
    deleted[kind] ? [countOf(deleted[kind], noun)] : [],
  );
  const others = Object.entries(deleted)
    .filter(([kind]) => !NOUNS.has(kind))
    .reduce((sum, [, count]) => sum + count, 0);
  const parts = others ? [...named, formatCount(others, "technical entry")] : named;
  return parts.length === 0 ? "There was no data." : `Deleted: ${joined(parts)}.`;
}

/**
 * Says what an export holds.
 * @param {Record<string, any>} document
 */
export function exportText({ conversations, account }) {
  const turns = conversations.reduce(
    (/** @type {number} */ sum, /** @type {{turns: unknown[]}} */ one) => sum + one.turns.length, 0,
  );
  return joined([
    formatCount(conversations.length, "conversation"),
    formatCount(turns, "turn"),
    formatCount(account.notes.length, "note"),
    formatCount(account.bookings.length, "appointment"),
  ]);
}

/**
 * @param {number} count
 * @param {string} noun
 */
function countOf(count, noun) {
  const [head, ...rest] = noun.split(" ");
  return [formatCount(count, head), ...rest].join(" ");
}

/** @param {string[]} parts */
function joined(parts) {
  const last = parts[parts.length - 1];
  return parts.length === 1 ? last : `${parts.slice(0, -1).join(", ")} and ${last}`;
}
