/** Makes typed and pasted text acceptable to the server. */

/** Control characters but line ends and tabs, and the overrides of the direction of all text. */
const REFUSED = /(?![\t\n\r])\p{Cc}|[\u202d\u202e]/gu;
/** Half of an emoji, in a text that was cut. */
const LONE_SURROGATE = /\p{Surrogate}/gu;
const VISIBLE = /[^\p{C}\p{M}\p{Z}\u115f\u1160\u3164\uffa0\u2800]|[\p{Co}\p{Cn}]/u;

/**
 * Returns a text without the characters that the server refuses; "" if nothing of it is visible.
 * @param {string} text
 */
export function acceptableText(text) {
  const clean = text.replace(REFUSED, "").replace(LONE_SURROGATE, "\uFFFD");
  return VISIBLE.test(clean) ? clean : "";
}
