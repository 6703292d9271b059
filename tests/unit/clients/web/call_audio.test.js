import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeAudio, FakeServer, named } from "./fake_server.js";

const MS_20 = new Uint8Array(640);

async function speakingCall(options = {}) {
  const server = new FakeServer();
  const audio = new FakeAudio();
  const { call, events } = await server.talk({ audio, ...options });
  return { server, audio, call, events, microphone: audio.listener };
}

function speak(microphone, ms) {
  for (let sent = 0; sent < ms; sent += 20) {
    microphone.onAudio(MS_20);
  }
}

/** The types of the messages, and the length of the audio in ms. */
function inShort(messages) {
  return messages.map(({ type, data }) =>
    type === "audio" ? Buffer.from(data, "base64").length / 32 : type,
  );
}

test("audio goes out in chunks of the recommended length, between the marks", async () => {
  const { server, microphone } = await speakingCall();
  microphone.onSpeechStart();
  speak(microphone, 460);
  microphone.onSpeechEnd();
  assert.deepEqual(inShort(server.got), ["hello", "speech_start", 200, 200, 60, "speech_end"]);
  assert.equal(server.got[0].marks_speech, true);
});

test("the rest of a chunk is sent after two chunks' time without more audio", async () => {
  const { server, microphone } = await speakingCall();
  microphone.onSpeechStart();
  speak(microphone, 100);
  await server.clock.advance(399);
  assert.deepEqual(inShort(server.got), ["hello", "speech_start"]);
  await server.clock.advance(1);
  assert.deepEqual(inShort(server.got), ["hello", "speech_start", 100]);
});

test("typed text comes after the audio that was spoken before it", async () => {
  const { server, call, microphone } = await speakingCall();
  microphone.onSpeechStart();
  speak(microphone, 40);
  call.sendText("or rather this");
  assert.deepEqual(inShort(server.got), ["hello", "speech_start", 40, "text"]);
});

test("a port without a detector sends audio without marks", async () => {
  const server = new FakeServer();
  const audio = Object.assign(new FakeAudio(), { marksSpeech: false });
  await server.talk({ audio });
  speak(audio.listener, 200);
  assert.deepEqual(inShort(server.got), ["hello", 200]);
  assert.equal(server.got[0].marks_speech, undefined);
});

test("a server without the feature gets marks, but no promise of them", async () => {
  const server = new FakeServer();
  server.features = [];
  const audio = new FakeAudio();
  await server.talk({ audio });
  audio.listener.onSpeechStart();
  assert.deepEqual(inShort(server.got), ["hello", "speech_start"]);
  assert.equal(server.got[0].marks_speech, undefined);
});

test("a user who speaks while the call opens is heard from then on", async () => {
  const server = new FakeServer();
  const audio = new FakeAudio();
  server.answersHello = false;
  const opening = server.connect({ audio });
  await server.clock.advance(0);
  audio.listener.onSpeechStart();
  speak(audio.listener, 100);
  assert.deepEqual(inShort(server.got), ["hello"]);
  server.answersHello = true;
  await server.clock.advance(3_000);
  await opening;
  speak(audio.listener, 200);
  audio.listener.onSpeechEnd();
  audio.listener.onSpeechEnd();
  const heard = inShort(server.got).filter((message) => message !== "hello");
  assert.deepEqual(heard, ["speech_start", 200, "speech_end"]);
});

test("another way of marking is announced over a new connection", async () => {
  const { server, audio, call } = await speakingCall();
  audio.setDetector = async (isOn) => {
    audio.marksSpeech = isOn;
  };
  await call.setDetector(false);
  await server.clock.advance(0);
  assert.equal(server.sockets.length, 2);
  assert.equal(server.got[0].marks_speech, undefined);

  call.setTalkMode("hands-free");
  await server.clock.advance(0);
  assert.equal(server.sockets.length, 2, "nothing changed");
});

test("what is said while the line is lost arrives later", async () => {
  const { server, microphone } = await speakingCall();
  server.accept(1);
  server.socket.drop();
  microphone.onSpeechStart();
  speak(microphone, 200);
  microphone.onSpeechEnd();
  await server.clock.advance(500);
  assert.deepEqual(inShort(server.got), ["hello", "speech_start", 200, "speech_end"]);
});

test("in a hidden tab the ticks of the audio run the timers", async () => {
  const { server, call, audio } = await speakingCall();
  server.clock.isHidden = true;
  server.frame("audio", { turn: 1, data: "AAABAA==" });
  await server.clock.advance(500);
  assert.deepEqual(inShort(server.got), ["hello"]);
  audio.listener.onTick();
  assert.deepEqual(inShort(server.got), ["hello", "ack"]);

  server.socket.drop();
  await server.clock.advance(1_000);
  audio.listener.onTick();
  await server.clock.advance(0);
  assert.equal(call.status, "connected");
});

test("a reply plays quietly while the user speaks over it", async () => {
  for (const end of ["interrupted", "no_speech", "nothing", "next reply"]) {
    const { server, audio, microphone } = await speakingCall();
    server.frame("audio", { turn: 1, data: "AAABAA==" });
    microphone.onSpeechStart();
    assert.equal(audio.did.at(-1), "duck");
    server.frame("audio", { turn: 1, data: "AAABAA==" });
    await server.clock.advance(3_000);
    assert.ok(!audio.did.includes("restore"), "the user still speaks");
    microphone.onSpeechEnd();
    await server.clock.advance(1_400);
    assert.ok(!audio.did.includes("restore"), "the server has not decided yet");
    if (end === "nothing") {
      await server.clock.advance(100);
    } else if (end === "next reply") {
      server.frame("audio", { turn: 2, data: "AAABAA==" });
    } else {
      server.frame(end, { turn: 1, through: 3 });
    }
    assert.ok(audio.did.includes("restore"), end);
  }
});

test("speech without a reply changes no volume", async () => {
  const { audio, microphone } = await speakingCall();
  microphone.onSpeechStart();
  microphone.onSpeechEnd();
  assert.deepEqual(audio.did, []);
});

test("an interrupted reply stops, and its played length is acknowledged", async () => {
  const { server, audio } = await speakingCall();
  server.frame("audio", { turn: 1, data: Buffer.alloc(9_600).toString("base64") });
  audio.leftMs = 50;
  server.frame("interrupted", { turn: 1 });
  assert.ok(audio.did.includes("stop"));
  const { turn, played_ms: playedMs } = server.got.at(-1);
  assert.deepEqual([turn, playedMs], [1, 150]);
});

test("the goodbye plays to its end before the devices are released", async () => {
  const { server, audio, events } = await speakingCall();
  server.frame("audio", { turn: 1, data: Buffer.alloc(9_600).toString("base64") });
  server.frame("closed", { reason: "end_call" });
  assert.deepEqual(named(events, "closed"), [{ reason: "end_call" }]);
  await server.clock.advance(1_000);
  assert.ok(audio.did.includes("mute") && !audio.did.includes("end"));
  audio.leftMs = 0;
  await server.clock.advance(100);
  assert.equal(audio.did.at(-1), "end");
});

test("hanging up is silent at once, and keeps the played position", async () => {
  const { server, audio, call, microphone } = await speakingCall();
  server.frame("audio", { turn: 1, data: Buffer.alloc(9_600).toString("base64") });
  audio.leftMs = 50;
  microphone.onSpeechStart();
  const done = call.disconnect();
  assert.equal(audio.did.at(-1), "end");
  microphone.onAudio(MS_20);
  server.frame("audio", { turn: 2, data: Buffer.alloc(9_600).toString("base64") });
  server.frame("closed", { reason: "bye" });
  await server.clock.advance(0);
  await done;
  assert.equal(audio.did.filter((what) => what === "play").length, 1);
  assert.equal(audio.did.filter((what) => what === "end").length, 1);
  const input = inShort(server.got).filter((what) => what !== "ack");
  assert.deepEqual(input, ["hello", "speech_start", "bye"]);
});

test("a call that is left keeps how much of its reply was played, and the rest", async () => {
  const { server, audio, call } = await speakingCall();
  server.frame("audio", { turn: 4, data: Buffer.alloc(9_600).toString("base64") });
  audio.leftMs = 50;
  const cheap = call.resumption.resumeFrom;
  const { session, resumeFrom } = JSON.parse(JSON.stringify(call.resumptionWithAudio));
  call.leave();

  assert.deepEqual(cheap, { epoch: 1, seq: 1, turn: 4, playedMs: 150 });
  assert.deepEqual(resumeFrom, call.resumption.resumeFrom);
  const reloaded = await speakingCall({ session, resumeFrom });
  assert.deepEqual(reloaded.audio.did, ["play"]);
  assert.equal(reloaded.audio.leftMs, 50);
});

test("another device that takes over is not talked over", async () => {
  const { server, audio } = await speakingCall();
  server.frame("audio", { turn: 1, data: Buffer.alloc(9_600).toString("base64") });
  server.frame("closed", { reason: "superseded" });
  assert.deepEqual(audio.did.slice(-2), ["stop", "end"]);
});

test("levels and problems of the microphone are events", async () => {
  const { microphone, events } = await speakingCall();
  microphone.onLevels({ input: 0.5, output: 0 });
  microphone.onProblem("microphone_silent", "");
  assert.deepEqual(named(events, "audio-level"), [{ input: 0.5, output: 0 }]);
  assert.deepEqual(named(events, "microphone"), [{ code: "microphone_silent", detail: "" }]);
});

test("a problem that comes before the call is open is not missed", async () => {
  const server = new FakeServer();
  const audio = new FakeAudio();
  audio.start = async (listener) => listener.onProblem("permission_denied", "NotAllowedError");
  const { call, events } = await server.talk({ audio });
  assert.deepEqual(named(events, "microphone"), [
    { code: "permission_denied", detail: "NotAllowedError" },
  ]);
  call.sendText("I type instead");
});

test("a port that cannot start leaves a typed call", async () => {
  const server = new FakeServer();
  const audio = new FakeAudio();
  audio.start = () => Promise.reject(new Error("no worklet"));
  const { call, events } = await server.talk({ audio });
  assert.deepEqual(named(events, "microphone"), [
    { code: "no_microphone", detail: "Error: no worklet" },
  ]);
  assert.equal(call.status, "connected");
});

test("the controls of a page reach the port, and need none", async () => {
  const { call, audio } = await speakingCall();
  const did = [];
  const methods = ["setMuted", "setHalfDuplex", "setInputDevice", "setOutputDevice"];
  for (const name of [...methods, "press", "release"]) {
    audio[name] = (...values) => did.push([name, ...values]);
  }
  call.setMuted(true);
  call.setHalfDuplex(true);
  await call.setInputDevice("mic");
  await call.setOutputDevice("");
  call.press();
  call.release();
  assert.deepEqual(did, [
    ["setMuted", true],
    ["setHalfDuplex", true],
    ["setInputDevice", "mic"],
    ["setOutputDevice", ""],
    ["press"],
    ["release"],
  ]);

  const { call: typed } = await new FakeServer().talk();
  typed.setMuted(true);
  typed.press();
  await typed.setInputDevice("mic");
});
