/** Which frames of the microphone are sent. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { MicrophoneGate } from "../../../../../clients/web/site/repartee/audio/capture/microphone_gate.js";
import { loadSpeechDetector } from "../../../../../clients/web/site/repartee/audio/capture/speech_detector.js";

import { noise, recording, recordingSink } from "./sounds.js";

const RATE_HZ = 16_000;
const FRAME = 320;
const NAMES = ["default", "alternative", "second_user", "pizzeria"].flatMap((folder) =>
  ["1-greeting", "2-booking", "3-recall"].map((name) => `${folder}/${name}.wav`),
);

function frames(samples) {
  return Array.from({ length: Math.floor(samples.length / FRAME) }, (_, number) =>
    samples.slice(number * FRAME, (number + 1) * FRAME),
  );
}

function silence(seconds) {
  return new Int16Array(seconds * RATE_HZ);
}

function joined(...parts) {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

async function gateWithDetector() {
  const sink = recordingSink();
  const gate = new MicrophoneGate(sink);
  gate.setDetector(await loadSpeechDetector());
  return { sink, gate, hear: (samples) => frames(samples).forEach((one) => gate.push(one)) };
}

for (const name of NAMES) {
  test(`the whole of ${name} is sent as one utterance, and little else`, async () => {
    const { sink, hear } = await gateWithDetector();
    const speech = recording(name);
    hear(joined(silence(1), speech, silence(2)));

    assert.deepEqual(sink.calls, ["start", "audio", "end"]);
    const sent = joined(...sink.frames);
    const isLoud = (sample) => Math.abs(sample) > 150;
    const spoken = speech.slice(speech.findIndex(isLoud), speech.findLastIndex(isLoud) + 1);
    const start = sent.findIndex(isLoud);
    assert.deepEqual(sent.slice(start, start + spoken.length), spoken);
    assert.ok((sent.length - spoken.length) / RATE_HZ <= 0.55, `${sent.length - spoken.length}`);
  });
}

test("a pause between words is sent, a pause between sentences is not", async () => {
  const { sink, hear } = await gateWithDetector();
  const word = recording("default/1-greeting.wav");
  hear(joined(silence(0.5), word, silence(0.2), word, silence(1)));
  assert.deepEqual(sink.calls, ["start", "audio", "end"]);
  hear(joined(word, silence(1)));
  assert.deepEqual(sink.calls.slice(3), ["start", "audio", "end"]);
});

test("an utterance right after another keeps its start, and no frame is sent twice", async () => {
  const { sink, hear } = await gateWithDetector();
  const word = recording("default/1-greeting.wav");
  hear(joined(silence(0.5), word, silence(0.32), word, silence(1)));
  assert.equal(new Set(sink.frames).size, sink.frames.length);
  assert.deepEqual(sink.calls, ["start", "audio", "end", "start", "audio", "end"]);
});

for (const [sound, ms] of [["a click", 40], ["a cough", 300]]) {
  test(`${sound} of ${ms} ms is not sent`, async () => {
    const { sink, hear } = await gateWithDetector();
    hear(joined(silence(1), noise(ms), silence(1)));
    assert.deepEqual(sink.calls, []);
  });
}

test("without a detector everything is sent without marks", () => {
  const sink = recordingSink();
  const gate = new MicrophoneGate(sink);
  frames(silence(1)).forEach((one) => gate.push(one));
  assert.deepEqual([sink.calls, sink.frames.length], [["audio"], 50]);
});

test("push-to-talk sends what is said between press and release, and the device's rest", () => {
  const sink = recordingSink();
  const gate = new MicrophoneGate(sink);
  gate.setMode("push-to-talk");
  const hear = (count) => frames(silence(count / 50)).forEach((one) => gate.push(one));
  hear(10);
  gate.press();
  hear(10);
  gate.release();
  assert.deepEqual(sink.calls, ["start", "audio"]);
  hear(10);
  assert.deepEqual([sink.calls, sink.frames.length], [["start", "audio", "end"], 15]);
});

test("mute, another mode and a lost microphone end the utterance", () => {
  const ways = [
    (gate) => gate.setMuted(true),
    (gate) => gate.setMode("hands-free"),
    (gate) => gate.setDetector(() => true),
    (gate) => gate.reset(),
  ];
  for (const way of ways) {
    const sink = recordingSink();
    const gate = new MicrophoneGate(sink);
    gate.setMode("push-to-talk");
    gate.press();
    gate.push(new Int16Array(FRAME));
    way(gate);
    assert.deepEqual(sink.calls, ["start", "audio", "end"]);
  }
});

test("a muted microphone sends nothing, and speech under way ends", async () => {
  const { sink, gate, hear } = await gateWithDetector();
  const speech = recording("default/2-booking.wav");
  hear(speech.subarray(0, RATE_HZ));
  gate.setMuted(true);
  hear(speech.subarray(RATE_HZ));
  assert.deepEqual(sink.calls, ["start", "audio", "end"]);
  assert.ok(sink.frames.length <= 50);
});

test("half-duplex keeps an open microphone back, and the button goes through", () => {
  const sink = recordingSink();
  const gate = new MicrophoneGate(sink);
  gate.setHeldBack(true);
  gate.push(new Int16Array(FRAME));
  assert.deepEqual(sink.calls, []);
  gate.setMode("push-to-talk");
  gate.press();
  gate.setHeldBack(true);
  gate.push(new Int16Array(FRAME));
  assert.deepEqual(sink.calls, ["start", "audio"]);
});
