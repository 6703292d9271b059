/** The shape of the voice line: two strings between the same two ends, one for each side. */

/** A string moves in this many half waves at once; a longer list looks noisier. */
const WAVES = [
  { halfWaves: 3, turnsPerS: 0.55, weight: 0.55 },
  { halfWaves: 5, turnsPerS: -0.8, weight: 0.3 },
  { halfWaves: 8, turnsPerS: 1.15, weight: 0.15 },
];
/** Brings the usual sum of the waves close to the limit, which no sum exceeds. */
const GAIN = 1.6;
/** How far a side's movement is drawn to its own end of the line. */
const SKEW = 0.62;
/** A level follows a rise at once and a fall slowly, as the eye expects of a voice. */
const RISE_PER_S = 18;
const FALL_PER_S = 5;

/** Below this level lies the noise of a room; speech is rarely above the other one. */
const QUIET_LEVEL = 0.35;
const LOUD_LEVEL = 0.85;

/**
 * @param {number} level a level of a display, which grows evenly with the decibels
 * @returns {number} how far the string moves, 0 to 1
 */
export function heightOf(level) {
  return Math.max(0, Math.min(1, (level - QUIET_LEVEL) / (LOUD_LEVEL - QUIET_LEVEL)));
}

/**
 * @param {"user" | "model"} side the user's string moves most at the left, the agent's at the right
 * @param {number} place 0 at the left end, 1 at the right end
 * @param {number} atS
 * @returns {number} -1 to 1; 0 at both ends
 */
export function displacement(side, place, atS) {
  const fromOwnEnd = side === "user" ? place : 1 - place;
  const envelope = Math.sin(Math.PI * fromOwnEnd ** SKEW) ** 1.5;
  const sign = side === "user" ? 1 : -1;
  let sum = 0;
  for (const { halfWaves, turnsPerS, weight } of WAVES) {
    const phase = 2 * Math.PI * turnsPerS * atS * sign;
    sum += weight * Math.sin(Math.PI * halfWaves * fromOwnEnd + phase);
  }
  return Math.tanh(GAIN * envelope * sum);
}

/**
 * A swell that travels along the line while the agent works.
 * @param {number} place
 * @param {number} atS
 * @param {number} periodS the time of a passage
 */
export function swell(place, atS, periodS) {
  const centre = -0.15 + 1.3 * ((atS / periodS) % 1);
  return Math.exp(-(((place - centre) / 0.09) ** 2)) * Math.sin(Math.PI * place) ** 0.5;
}

/**
 * @param {number} shown the level that the line shows
 * @param {number} level the measured level
 * @param {number} elapsedS
 */
export function follow(shown, level, elapsedS) {
  const rate = level > shown ? RISE_PER_S : FALL_PER_S;
  return shown + (level - shown) * (1 - Math.exp(-rate * elapsedS));
}
