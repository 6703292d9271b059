/** Sounds for the audio tests. */

import { readFileSync } from "node:fs";

const ROOT = new URL("../../../../../", import.meta.url);

/** Return the samples of a recording, which has 16 kHz. */
export function recording(name) {
  const file = readFileSync(new URL(`local/recordings/${name}`, ROOT));
  let place = 12;
  while (file.toString("latin1", place, place + 4) !== "data") {
    place += 8 + file.readUInt32LE(place + 4);
  }
  const bytes = file.subarray(place + 8, place + 8 + file.readUInt32LE(place + 4));
  return new Int16Array(Uint8Array.from(bytes).buffer);
}

/** Return a sine of full scale as samples of Web Audio. */
export function sine(hz, rateHz, seconds) {
  const step = (2 * Math.PI * hz) / rateHz;
  return Float32Array.from({ length: rateHz * seconds }, (_, place) => Math.sin(step * place));
}

/** Return samples that are all different from their neighbours. */
export function counting(length, first = 1) {
  return Int16Array.from({ length }, (_, place) => ((first + place) % 30_000) + 1);
}

/** Return noise at 16 kHz, which always is the same. */
export function noise(ms) {
  let state = 1;
  return Int16Array.from({ length: ms * 16 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state % 20_000) - 10_000;
  });
}

/** Collect what a gate sends, as the names of the calls and the frames. */
export function recordingSink() {
  const calls = [];
  const frames = [];
  return {
    calls,
    frames,
    speechStart: () => calls.push("start"),
    speechEnd: () => calls.push("end"),
    audio: (frame) => {
      frames.push(frame);
      if (calls.at(-1) !== "audio") {
        calls.push("audio");
      }
    },
  };
}
