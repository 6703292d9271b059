/** From samples of Web Audio to frames of 16 kHz. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameCutter } from "../../../../../clients/web/site/repartee/audio/capture/frame_cutter.js";
import { Resampler } from "../../../../../clients/web/site/repartee/audio/capture/resampler.js";
import { SilenceWatch } from "../../../../../clients/web/site/repartee/audio/capture/silence_watch.js";
import { peakOf, rmsOf, toLevel } from "../../../../../clients/web/site/repartee/audio/levels.js";
import { toBytes, toSamples } from "../../../../../clients/web/site/repartee/pcm.js";

import { sine } from "./sounds.js";

function resample(samples, fromHz, toHz, block) {
  const resampler = new Resampler(fromHz, toHz);
  const output = [];
  for (let start = 0; start < samples.length; start += block) {
    output.push(...resampler.push(samples.subarray(start, start + block)));
  }
  return output;
}

function largestOf(samples) {
  return samples.slice(1_000, -1_000).reduce((peak, one) => Math.max(peak, Math.abs(one)), 0);
}

test("samples survive the way through Web Audio, and loud ones are clipped", () => {
  const pcm = Int16Array.from({ length: 320 }, (_, place) => place * 204 - 32_768);
  const [frame] = new FrameCutter().push(Float32Array.from(pcm, (one) => one / 32_768));
  assert.deepEqual(frame, pcm);
  const [loud] = new FrameCutter().push(new Float32Array(320).fill(1.5));
  assert.equal(loud[0], 32_767);
});

test("blocks of any length become frames without a gap", () => {
  const cutter = new FrameCutter();
  const samples = Float32Array.from({ length: 1_000 }, (_, place) => place / 32_768);
  const frames = [samples.subarray(0, 100), samples.subarray(100)].flatMap((one) =>
    cutter.push(one),
  );
  assert.deepEqual(
    frames.map((frame) => [frame[0], frame[319]]),
    [[0, 319], [320, 639], [640, 959]],
  );
});

for (const fromHz of [8_000, 44_100, 48_000]) {
  test(`the resampler keeps a voice of ${fromHz} Hz in place and at its loudness`, () => {
    const expected = sine(1_000, 16_000, 1);
    const output = resample(sine(1_000, fromHz, 1), fromHz, 16_000, 128);
    assert.ok(Math.abs(output.length - 16_000) < 100, `${output.length} samples`);
    const worst = largestOf(output.map((one, place) => one - expected[place]));
    assert.ok(worst < 0.001, `differs by ${worst}`);
  });
}

test("the resampler's output does not depend on the blocks", () => {
  const samples = sine(440, 44_100, 0.5);
  assert.deepEqual(
    resample(samples, 44_100, 16_000, 128),
    resample(samples, 44_100, 16_000, 22_050),
  );
});

test("the resampler blocks what 16 kHz cannot hold", () => {
  const passed = largestOf(resample(sine(6_000, 48_000, 1), 48_000, 16_000, 128));
  const blocked = largestOf(resample(sine(8_500, 48_000, 1), 48_000, 16_000, 128));
  assert.ok(passed > 0.99, `6 kHz: ${passed}`);
  assert.ok(blocked < 0.001, `8.5 kHz: ${blocked}`);
});

test("levels grow with the decibels", () => {
  assert.deepEqual([0, 0.001, 1].map(toLevel), [0, 0, 1]);
  assert.ok(Math.abs(toLevel(10 ** -1.5) - 0.5) < 0.001);
  const samples = Int16Array.of(0, -16_384, 0, 0);
  assert.deepEqual([peakOf(samples), rmsOf(samples), rmsOf(new Int16Array())], [0.5, 0.25, 0]);
});

test("bytes at an odd address become samples", () => {
  const pcm = new Uint8Array([9, 1, 0, 255, 255]).subarray(1);
  assert.deepEqual([...toSamples(pcm)], [1, -1]);
  assert.deepEqual([...toBytes(Int16Array.of(1, -1))], [1, 0, 255, 255]);
});

function watch() {
  const changes = [];
  const one = new SilenceWatch((isSilent) => changes.push(isSilent));
  const hear = (peak, ms) => Array(ms / 20).fill(peak).forEach((each) => one.push(each));
  return { changes, one, hear };
}

test("a microphone is silent after 3 s of zeros, and heard with the first sound", () => {
  const { changes, hear } = watch();
  hear(0.1, 1_000);
  hear(0, 2_980);
  assert.deepEqual(changes, []);
  hear(0, 20);
  assert.deepEqual(changes, [true]);
  hear(0.1, 20);
  assert.deepEqual(changes, [true, false]);
});

test("a microphone with its level at 0 is silent", () => {
  const { changes, hear } = watch();
  hear(0.00009, 3_000);
  assert.deepEqual(changes, [true]);
});

test("a user who has said nothing yet in a quiet room has a working microphone", () => {
  const { changes, hear } = watch();
  hear(0.0004, 60_000);
  assert.deepEqual(changes, []);
});

test("the quiet pauses of a microphone that was heard are no silence", () => {
  const { changes, hear } = watch();
  hear(0.1, 20);
  hear(0.00003, 10_000);
  assert.deepEqual(changes, []);
});

test("sound from a microphone that was lost is reported", () => {
  const { changes, one, hear } = watch();
  one.restart(true);
  hear(0, 5_000);
  hear(0.1, 20);
  assert.deepEqual(changes, [false]);
});
