/** Converts between the sample formats of Web Audio, of the wire and of the detector. */

/** The rate of the audio that the server takes. */
export const INPUT_RATE_HZ = 16_000;
/** The rate of the audio that the server sends. */
export const OUTPUT_RATE_HZ = 24_000;
/** The size of a PCM16 sample. */
export const SAMPLE_BYTES = 2;
export const INPUT_BYTES_PER_MS = (INPUT_RATE_HZ * SAMPLE_BYTES) / 1_000;
export const OUTPUT_BYTES_PER_MS = (OUTPUT_RATE_HZ * SAMPLE_BYTES) / 1_000;
/** The largest magnitude of a PCM16 sample. */
export const FULL_SCALE = 32_768;

/**
 * Returns a sample of Web Audio as a PCM16 sample.
 * @param {number} sample -1 to 1; larger values are clipped
 * @returns {number}
 */
export function toPcm16(sample) {
  return Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(sample * FULL_SCALE)));
}

/**
 * Returns samples as little-endian bytes, without a copy: every browser runs on such machines.
 * @param {Int16Array} samples
 * @returns {Uint8Array}
 */
export function toBytes(samples) {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

/**
 * Returns little-endian bytes as samples, in a copy that may be transferred to another thread.
 * @param {Uint8Array} pcm an odd last byte is dropped
 * @returns {Int16Array<ArrayBuffer>}
 */
export function toSamples(pcm) {
  const samples = new Int16Array(pcm.byteLength >> 1);
  toBytes(samples).set(pcm.subarray(0, samples.byteLength));
  return samples;
}
