/** The speaker passes audio to its worklet, and follows the worklet's reports. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Speaker } from "../../../../../clients/web/site/repartee/audio/playback/speaker.js";

import { fakeBrowser } from "./fake_browser.js";

const REPORT = {
  received: 24_000,
  queued: 12_000,
  played: 12_000,
  isPlaying: true,
  underruns: 2,
  generation: 0,
  atS: 0,
  peak: 0.5,
};

function openSpeaker(t) {
  const browser = fakeBrowser(t);
  const peaks = [];
  const speaker = new Speaker({ onReport: (peak) => peaks.push(peak), onStateChange: () => {} });
  speaker.unlock();
  const report = (changes) =>
    browser.nodes[0].port.onmessage({ data: { ...REPORT, ...changes } });
  return { speaker, peaks, report, sent: () => browser.nodes[0].port.sent };
}

test("audio that comes before the worklet runs is played", async (t) => {
  const { speaker, sent } = openSpeaker(t);
  speaker.play(Uint8Array.of(1, 0, 2, 0));
  assert.ok(speaker.unplayedMs() > 0);
  await speaker.start();
  assert.deepEqual(sent(), [{ type: "write", samples: Int16Array.of(1, 2) }]);
});

test("reports tell what was played, and the levels and underruns", async (t) => {
  const { speaker, peaks, report } = openSpeaker(t);
  await speaker.start();
  speaker.play(new Uint8Array(48_000));
  report({});
  assert.equal(speaker.unplayedMs(), 500);
  assert.deepEqual([peaks, speaker.diagnostics().underruns], [[0.5], 2]);
});

test("a report from before a stop says nothing about the next reply", async (t) => {
  const { speaker, report, sent } = openSpeaker(t);
  await speaker.start();
  speaker.play(new Uint8Array(48_000));
  speaker.stop();
  assert.equal(speaker.unplayedMs(), 0);
  report({});
  speaker.play(new Uint8Array(4_800));
  assert.equal(speaker.unplayedMs(), 100);
  assert.deepEqual(sent()[1], { type: "flush", generation: 1 });
  report({ generation: 1, received: 2_400, queued: 1_200 });
  assert.equal(speaker.unplayedMs(), 50);
});

test("after the end nothing is unplayed", async (t) => {
  const { speaker } = openSpeaker(t);
  await speaker.start();
  speaker.play(new Uint8Array(48_000));
  await speaker.end();
  speaker.play(new Uint8Array(48_000));
  assert.deepEqual([speaker.unplayedMs(), speaker.state], [0, "closed"]);
});
