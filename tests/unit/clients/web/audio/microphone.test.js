/** The microphone is opened again when it is lost, and its problems are reported. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Microphone } from "../../../../../clients/web/site/repartee/audio/capture/microphone.js";
import { microphoneProblem } from "../../../../../clients/web/site/repartee/audio/problems.js";

import { fakeBrowser, settled } from "./fake_browser.js";

async function openMicrophone(t, { deviceId = "", ...state } = {}) {
  const browser = Object.assign(fakeBrowser(t), state);
  const events = [];
  const microphone = new Microphone(
    {
      onFrame: () => events.push("frame"),
      onLost: (reason) => events.push(`lost: ${reason}`),
      onRefused: (error) => events.push(microphoneProblem(error)),
      onStateChange: () => {},
    },
    true,
  );
  microphone.unlock();
  await microphone.start(deviceId);
  return { browser, events, microphone };
}

test("the microphone is asked for without echo, in mono", async (t) => {
  const { browser, microphone } = await openMicrophone(t);
  assert.deepEqual(browser.requests, [
    {
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      channelCount: { ideal: 1 },
    },
  ]);
  assert.equal(microphone.diagnostics().inputRateHz, 16_000);
});

test("a browser that refuses 16 kHz records at its own rate", async (t) => {
  const { browser, events, microphone } = await openMicrophone(t, { refusedRateHz: 16_000 });
  assert.equal(microphone.diagnostics().inputRateHz, 48_000);
  browser.nodes.at(-1).port.onmessage({ data: new Int16Array(320) });
  assert.deepEqual(events, ["frame"]);
});

test("a recording that the system ends begins again", async (t) => {
  const { browser, events, microphone } = await openMicrophone(t);
  browser.track.lose();
  await settled();
  assert.deepEqual([events, microphone.isOpen, browser.tracks.length], [["lost: ended"], true, 2]);
  assert.deepEqual(browser.requests[0], browser.requests[1]);
});

test("a microphone that stays muted for 2 s is opened again", async (t) => {
  const { browser, events } = await openMicrophone(t);
  browser.track.mute();
  t.mock.timers.tick(1_900);
  assert.equal(browser.requests.length, 1);
  t.mock.timers.tick(100);
  await settled();
  assert.deepEqual([events, browser.requests.length], [["lost: muted"], 2]);
});

test("without a microphone the problem is reported once, and each 3 s tried again", async (t) => {
  const { browser, events, microphone } = await openMicrophone(t, { problem: "NotFoundError" });
  for (let attempt = 0; attempt < 3; attempt += 1) {
    t.mock.timers.tick(3_000);
    await settled();
  }
  assert.deepEqual([events, browser.requests.length], [["no_microphone"], 4]);
  browser.problem = null;
  t.mock.timers.tick(3_000);
  await settled();
  assert.ok(microphone.isOpen);
});

test("a refused permission is not asked for again until the user chooses a device", async (t) => {
  const { browser, events, microphone } = await openMicrophone(t, { problem: "NotAllowedError" });
  t.mock.timers.tick(60_000);
  await settled();
  assert.deepEqual([events, browser.requests.length], [["permission_denied"], 1]);
  await microphone.setDevice("");
  assert.deepEqual(events, ["permission_denied", "permission_denied"]);
});

test("a chosen microphone that is unplugged is replaced until it is back", async (t) => {
  const { browser, microphone } = await openMicrophone(t, {
    deviceId: "headset",
    devices: ["built-in", "headset"],
  });
  const change = async (devices) => {
    browser.devices = devices;
    browser.mediaDevices.dispatchEvent(new Event("devicechange"));
    t.mock.timers.tick(300);
    await settled();
    return browser.track.settings.deviceId;
  };
  assert.equal(browser.track.settings.deviceId, "headset");
  assert.equal(await change(["built-in"]), "built-in");
  assert.equal(await change(["built-in", "headset"]), "headset");
  const [first] = browser.tracks;
  assert.deepEqual([first.readyState, microphone.isOpen], ["ended", true]);
});

test("a change of other devices leaves the microphone alone", async (t) => {
  const { browser } = await openMicrophone(t);
  browser.mediaDevices.dispatchEvent(new Event("devicechange"));
  t.mock.timers.tick(300);
  await settled();
  assert.equal(browser.requests.length, 1);
});

test("a permission that comes after the end of the call opens nothing", async (t) => {
  const { browser, microphone } = await openMicrophone(t);
  const late = microphone.setDevice("");
  await microphone.end();
  await late;
  assert.deepEqual(
    browser.tracks.map((track) => track.readyState),
    ["ended", "ended"],
  );
});
