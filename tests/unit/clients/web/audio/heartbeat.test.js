/** Levels and ticks come from the audio threads. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Heartbeat } from "../../../../../clients/web/site/repartee/audio/heartbeat.js";

test("a heartbeat comes 20 times a second with the loudest levels since the last one", () => {
  const beats = [];
  const heartbeat = new Heartbeat((levels) => beats.push(levels));
  for (let ms = 0; ms < 1_000; ms += 20) {
    heartbeat.recorded(ms % 40 ? 1 : 0, ms);
    heartbeat.played(0.001, ms + 10);
  }
  assert.ok(beats.length >= 20 && beats.length <= 25, `${beats.length} beats`);
  assert.deepEqual(beats[5], { input: 1, output: 0 });
});

test("either thread alone keeps the heart beating", () => {
  let count = 0;
  const heartbeat = new Heartbeat(() => (count += 1));
  heartbeat.played(0, 0);
  heartbeat.played(0, 50);
  heartbeat.recorded(0, 100);
  heartbeat.recorded(0, 150);
  assert.equal(count, 4);
});
