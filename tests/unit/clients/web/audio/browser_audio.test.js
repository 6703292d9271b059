/** The parts of a browser's audio together. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BrowserAudio } from "../../../../../clients/web/site/repartee/audio/browser_audio.js";

import { fakeBrowser, settled } from "./fake_browser.js";

async function startAudio(t, options) {
  const browser = fakeBrowser(t);
  const audio = new BrowserAudio(options);
  const events = [];
  audio.unlock();
  await audio.start({
    onSpeechStart: () => events.push("start"),
    onAudio: () => events.push("audio"),
    onSpeechEnd: () => events.push("end"),
    onLevels: () => {},
    onTick: () => {},
    onProblem: (code) => events.push(code),
  });
  const nodeOf = (rateHz) => browser.nodes.find(({ context }) => context.sampleRate === rateHz);
  const hear = () => nodeOf(16_000).port.onmessage({ data: new Int16Array(320).fill(1_000) });
  return { browser, audio, events, hear, speaker: nodeOf(24_000).context };
}

test("the client announces marks with the detector and with push-to-talk", async (t) => {
  fakeBrowser(t);
  assert.ok(new BrowserAudio().marksSpeech);
  const audio = new BrowserAudio({ detector: false });
  assert.ok(!audio.marksSpeech);
  audio.setTalkMode("push-to-talk");
  assert.ok(audio.marksSpeech);
});

test("half-duplex sends nothing while a reply plays", async (t) => {
  const { audio, events, hear } = await startAudio(t, { detector: false, halfDuplex: true });
  hear();
  audio.play(new Uint8Array(4_800));
  hear();
  assert.deepEqual(events, ["audio"]);
  audio.setHalfDuplex(false);
  hear();
  assert.deepEqual(events, ["audio", "audio"]);
});

test("a context that stops for a moment is no problem, one that stays stopped is", async (t) => {
  const { events, speaker } = await startAudio(t, { detector: false });
  speaker.change("suspended");
  t.mock.timers.tick(900);
  speaker.change("running");
  t.mock.timers.tick(2_000);
  assert.deepEqual(events, []);
  speaker.change("interrupted");
  t.mock.timers.tick(1_000);
  assert.deepEqual(events, ["tap_to_continue"]);
  speaker.change("running");
  t.mock.timers.tick(0);
  assert.deepEqual(events, ["tap_to_continue", "sound_running"]);
});

test("an insecure page has no microphone, and says so", async (t) => {
  fakeBrowser(t);
  window.isSecureContext = false;
  const audio = new BrowserAudio();
  const problems = [];
  audio.unlock();
  await audio.start({ onProblem: (code) => problems.push(code) });
  audio.play(new Uint8Array(480));
  assert.deepEqual([problems, audio.unplayedMs()], [["insecure_page"], 0]);
});

test("a lost microphone ends the utterance, and its first sound is reported", async (t) => {
  const { browser, audio, events, hear } = await startAudio(t, { talkMode: "push-to-talk" });
  audio.press();
  hear();
  browser.track.lose();
  await settled();
  assert.deepEqual(events, ["start", "audio", "end", "microphone_lost"]);
  hear();
  assert.equal(events.at(-1), "microphone_heard");
});

test("an ended port keeps no device", async (t) => {
  const { browser, audio } = await startAudio(t, { detector: false });
  await audio.end();
  audio.unlock();
  assert.equal(browser.track.readyState, "ended");
  assert.deepEqual(
    [audio.diagnostics().inputState, audio.diagnostics().outputState],
    ["closed", "closed"],
  );
});

test("audio that ends while its worklets load is no problem", async (t) => {
  Object.assign(fakeBrowser(t), { loadsModules: false });
  const audio = new BrowserAudio({ detector: false });
  const problems = [];
  audio.unlock();
  const starting = audio.start({ onProblem: (code) => problems.push(code) });
  await settled();
  await audio.end();
  await starting;
  assert.deepEqual(problems, []);
});
