/** When reply audio is played, and what of it was heard. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { PlaybackBuffer } from "../../../../../clients/web/site/repartee/audio/playback/playback_buffer.js";
import { PlaybackClock } from "../../../../../clients/web/site/repartee/audio/playback/playback_clock.js";
import { SampleRing } from "../../../../../clients/web/site/repartee/audio/playback/sample_ring.js";

import { counting } from "./sounds.js";

const PER_MS = 24;
const BLOCK = 128;

/** Render `ms` and return the samples as PCM16. */
function render(buffer, ms) {
  const samples = [];
  for (let block = 0; block < (ms * PER_MS) / BLOCK; block += 1) {
    const output = new Float32Array(BLOCK);
    buffer.render(output);
    samples.push(...output.map((one) => one * 32_768));
  }
  return samples;
}

function audible(samples) {
  return samples.filter((one) => one !== 0);
}

test("a ring keeps the order of the samples past its end and as it grows", () => {
  const ring = new SampleRing(8, 16);
  ring.write(counting(6));
  const read = Array.from({ length: 5 }, () => ring.shift());
  ring.write(counting(7, 7));
  ring.write(counting(4, 14));
  while (ring.length) {
    read.push(ring.shift());
  }
  assert.deepEqual(read, [...counting(17)]);
  assert.equal(ring.shift(), 0);
});

test("a full ring drops what does not fit", () => {
  const ring = new SampleRing(8, 16);
  assert.equal(ring.write(counting(20)), 4);
  assert.equal(ring.length, 16);
});

test("a reply starts with 120 ms and is played sample by sample", () => {
  const buffer = new PlaybackBuffer();
  const samples = counting(600 * PER_MS);
  buffer.write(samples.subarray(0, 100 * PER_MS));
  assert.deepEqual(audible(render(buffer, 100)), []);
  buffer.write(samples.subarray(100 * PER_MS));
  assert.deepEqual(audible(render(buffer, 700)), [...samples]);
  assert.equal(buffer.progress.underruns, 0);
});

test("a reply that is shorter than 120 ms is played", () => {
  const buffer = new PlaybackBuffer();
  buffer.write(counting(40 * PER_MS));
  assert.equal(audible(render(buffer, 300)).length, 40 * PER_MS);
});

test("a long reply that fills the ring plays every sample", () => {
  const buffer = new PlaybackBuffer(new SampleRing(2 ** 12, 2 ** 20));
  const samples = counting(5_000 * PER_MS);
  const heard = [];
  for (let start = 0; start < samples.length; start += 240 * PER_MS) {
    buffer.write(samples.subarray(start, start + 240 * PER_MS));
    heard.push(...audible(render(buffer, 150)));
  }
  heard.push(...audible(render(buffer, 3_000)));
  assert.deepEqual(heard, [...samples]);
});

test("after an underrun audio waits for the jitter, and the underrun is counted", () => {
  const buffer = new PlaybackBuffer();
  buffer.write(counting(240 * PER_MS));
  render(buffer, 300);
  buffer.write(counting(240 * PER_MS));
  assert.deepEqual(audible(render(buffer, 240)), []);
  buffer.write(counting(240 * PER_MS));
  assert.ok(audible(render(buffer, 20)).length > 0);
  assert.equal(buffer.progress.underruns, 1);
});

test("the reply after a pause is no underrun", () => {
  const buffer = new PlaybackBuffer();
  buffer.write(counting(240 * PER_MS));
  render(buffer, 240 + 600);
  buffer.write(counting(240 * PER_MS));
  assert.ok(audible(render(buffer, 20)).length > 0);
  assert.equal(buffer.progress.underruns, 0);
});

/** Play a minute that comes at `speed` in messages of 240 ms, each up to 200 ms late. */
function playWithJitter(speed, seed) {
  let state = seed;
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const buffer = new PlaybackBuffer();
  let arrivedMs = 0;
  const arrivals = Array.from({ length: 250 }, (_, number) => {
    arrivedMs = Math.max(arrivedMs, (number * 240) / speed + random() * 200);
    return arrivedMs;
  });
  const message = new Int16Array(240 * PER_MS);
  const underruns = [];
  for (let block = 0; buffer.progress.played < 60_000 * PER_MS; block += 1) {
    const nowMs = (block * BLOCK) / PER_MS;
    while (arrivals.length && arrivals[0] <= nowMs) {
      arrivals.shift();
      buffer.write(message);
    }
    buffer.render(new Float32Array(BLOCK));
    if (buffer.progress.underruns > underruns.length) {
      underruns.push(nowMs);
    }
  }
  return underruns;
}

test("a minute with 200 ms of jitter has at most one underrun, in the first second", () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const underruns = playWithJitter(1.25, seed);
    assert.ok(underruns.length <= 1 && (underruns[0] ?? 0) <= 1_200, `${seed}: ${underruns}`);
  }
});

test("audio that comes in real time has one underrun at most", () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    assert.ok(playWithJitter(1, seed).length <= 1, `seed ${seed}`);
  }
});

test("a flush fades out within 5 ms and drops the rest", () => {
  const buffer = new PlaybackBuffer();
  buffer.write(new Int16Array(1_000 * PER_MS).fill(10_000));
  render(buffer, 50);
  buffer.flush();
  const after = render(buffer, 100);
  assert.ok(after.slice(0, 119).every((one, place) => one > 0 && one < 10_000 - 80 * place));
  assert.deepEqual(audible(after.slice(120)), []);
  assert.deepEqual(buffer.progress, {
    received: 0,
    queued: 0,
    played: 0,
    isPlaying: false,
    underruns: 0,
  });
});

test("audio right after a flush starts a new reply while the old one fades", () => {
  const buffer = new PlaybackBuffer();
  buffer.write(new Int16Array(1_000 * PER_MS).fill(10_000));
  render(buffer, 50);
  buffer.flush();
  buffer.write(new Int16Array(200 * PER_MS).fill(100));
  const after = render(buffer, 300);
  assert.equal(Math.round(after[0]), Math.round(10_000 * (1 - 1 / 120) + 100));
  assert.equal(audible(after).length, 200 * PER_MS);
});

test("ducking lowers the reply to 30 % within 20 ms, and back", () => {
  const buffer = new PlaybackBuffer();
  buffer.write(new Int16Array(1_000 * PER_MS).fill(10_000));
  render(buffer, 50);
  buffer.duck(true);
  const down = render(buffer, 20);
  assert.ok(down[0] > 9_900 && Math.abs(down.at(-1) - 3_000) < 1);
  buffer.duck(false);
  assert.equal(render(buffer, 20).at(-1), 10_000);
});

const progress = { received: 0, queued: 0, played: 0, isPlaying: false, underruns: 0 };

test("audio counts as unplayed until the device has sounded it", () => {
  const clock = new PlaybackClock();
  clock.wrote(24_000);
  assert.equal(clock.unplayedMs(5, 0.05), 1_000);
  clock.reported({ ...progress, received: 24_000, queued: 24_000, isPlaying: true }, 10);
  assert.equal(Math.round(clock.unplayedMs(10.4, 0.05)), 650);
  clock.wrote(12_000);
  assert.equal(Math.round(clock.unplayedMs(10.4, 0.05)), 1_150);
  clock.reported({ ...progress, received: 36_000, queued: 4_800, isPlaying: true }, 11.3);
  assert.equal(Math.round(clock.unplayedMs(11.4, 0.05)), 150);
  clock.reported({ ...progress, received: 36_000 }, 11.5);
  assert.equal(Math.round(clock.unplayedMs(11.52, 0.05)), 30);
  assert.equal(clock.unplayedMs(11.6, 0.05), 0);
});

test("devices that report no latency or nonsense are believed within limits", () => {
  const clock = new PlaybackClock();
  clock.wrote(48_000);
  clock.reported({ ...progress, received: 48_000, queued: 24_000, isPlaying: true }, 1);
  assert.equal(clock.unplayedMs(1, Number.NaN), 1_000);
  assert.equal(clock.unplayedMs(1, 30), 1_500);
});

test("a flush leaves nothing unplayed", () => {
  const clock = new PlaybackClock();
  clock.wrote(24_000);
  clock.reported({ ...progress, received: 24_000, queued: 24_000, isPlaying: true }, 1);
  clock.flushed();
  assert.equal(clock.unplayedMs(1, 0.1), 0);
  clock.wrote(2_400);
  assert.equal(clock.unplayedMs(1, 0.1), 100);
});
