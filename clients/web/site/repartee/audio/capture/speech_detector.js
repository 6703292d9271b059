/** Tells speech from other sound, frame by frame, with WebRTC's detector. */

import { INPUT_RATE_HZ } from "../../pcm.js";

import { FRAME_SAMPLES } from "./frame_cutter.js";

/** @typedef {import("./microphone_gate.js").Detector} Detector */

/**
 * The functions of the WebAssembly module.
 * @typedef {object} Fvad
 * @property {() => number} _fvad_new
 * @property {(detector: number, mode: number) => number} _fvad_set_mode
 * @property {(detector: number, rateHz: number) => number} _fvad_set_sample_rate
 * @property {(detector: number, frame: number, samples: number) => number} _fvad_process
 * @property {(bytes: number) => number} _malloc
 * @property {Int16Array} HEAP16
 */

/** The mode that rejects most noise. */
const MODE = 3;
const MODULE_URL = new URL("../../../vendor/fvad/fvad.js", import.meta.url).href;

/**
 * Loads the detector, 35 KB.
 * Throws an error if the module cannot be fetched, or the page's policy forbids WebAssembly.
 * @returns {Promise<Detector>} takes frames of 20 ms, which must follow each other
 */
export async function loadSpeechDetector() {
  const { default: create } = await import(MODULE_URL);
  /** @type {Fvad} */
  const fvad = await create();
  const detector = fvad._fvad_new();
  fvad._fvad_set_mode(detector, MODE);
  fvad._fvad_set_sample_rate(detector, INPUT_RATE_HZ);
  const address = fvad._malloc(FRAME_SAMPLES * Int16Array.BYTES_PER_ELEMENT);
  return (frame) => {
    fvad.HEAP16.set(frame, address / Int16Array.BYTES_PER_ELEMENT);
    return fvad._fvad_process(detector, address, FRAME_SAMPLES) === 1;
  };
}
