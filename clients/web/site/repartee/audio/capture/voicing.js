/** Tells voices from taps and coughs, by the pitch that voices have. */

/** The normalised autocorrelation at the best pitch: 0.8 and more in vowels, below 0.6 in noise. */
const MIN_CORRELATION = 0.7;
/** A quarter of the samples is enough for a pitch. */
const STEP = 4;
/** A pitch of 67 to 400 Hz, in samples at a quarter of 16 kHz. */
const SHORTEST_LAG = 10;
const LONGEST_LAG = 60;

/**
 * Returns whether audio repeats at the pitch of a voice.
 * @param {Int16Array} earlier 20 ms at 16 kHz
 * @param {Int16Array} later the 20 ms that follow
 * @returns {boolean}
 */
export function isVoiced(earlier, later) {
  const samples = [earlier, later].flatMap((part) =>
    Array.from(part).filter((_, place) => place % STEP === 0),
  );
  const length = samples.length - LONGEST_LAG;
  const power = productAt(samples, 0, 0, length);
  for (let lag = SHORTEST_LAG; lag <= LONGEST_LAG; lag += 1) {
    const product = productAt(samples, 0, lag, length);
    const laterPower = productAt(samples, lag, lag, length);
    if (product > 0 && product ** 2 > MIN_CORRELATION ** 2 * power * laterPower) {
      return true;
    }
  }
  return false;
}

/**
 * Returns the sum of the products of two parts of `samples`.
 * @param {number[]} samples
 * @param {number} one where the first part starts
 * @param {number} other where the second part starts
 * @param {number} length
 */
function productAt(samples, one, other, length) {
  let sum = 0;
  for (let place = 0; place < length; place += 1) {
    sum += samples[one + place] * samples[other + place];
  }
  return sum;
}
