/** Measures the loudness of audio, for level displays and for finding a silent microphone. */

import { FULL_SCALE } from "../pcm.js";

/** A level display shows this loudness and everything below it as 0. */
const QUIETEST_DBFS = -60;

/**
 * Returns the root mean square of samples, as a part of full scale.
 * @param {Int16Array} samples
 * @returns {number} 0 to 1
 */
export function rmsOf(samples) {
  let sum = 0;
  for (const sample of samples) {
    sum += sample * sample;
  }
  return samples.length ? Math.sqrt(sum / samples.length) / FULL_SCALE : 0;
}

/**
 * Returns the largest magnitude of samples, as a part of full scale.
 * @param {Int16Array} samples
 * @returns {number} 0 to 1
 */
export function peakOf(samples) {
  let peak = 0;
  for (const sample of samples) {
    peak = Math.max(peak, Math.abs(sample));
  }
  return peak / FULL_SCALE;
}

/**
 * Returns a loudness in decibels below full scale.
 * @param {number} loudness a peak or a root mean square, 0 to 1
 * @returns {number} -Infinity for silence
 */
export function toDbfs(loudness) {
  return 20 * Math.log10(loudness);
}

/**
 * Returns a loudness as the value of a level display, which grows evenly with the decibels.
 * @param {number} loudness a peak or a root mean square, 0 to 1
 * @returns {number} 0 to 1
 */
export function toLevel(loudness) {
  return Math.max(0, Math.min(1, 1 - toDbfs(loudness) / QUIETEST_DBFS));
}
