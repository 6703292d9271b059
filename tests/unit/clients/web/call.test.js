import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeServer, named } from "./fake_server.js";

function types(messages) {
  return messages.map(({ type }) => type);
}

test("a call opens with a ticket, and says hello before anything else", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk({ conversation: "new" });

  assert.deepEqual(server.http.requests[0].json, { conversation_id: "new" });
  assert.equal(server.socket.url, "wss://ws.example.com/prod?ticket=secret-1");
  assert.deepEqual(server.got, [
    { type: "hello", seq: 1, protocol: 1, features: ["stop", "speech_heard"] },
  ]);
  const { status, sessionId, conversationId } = call;
  assert.deepEqual([status, sessionId, conversationId], ["connected", "S", "C"]);
  assert.equal(named(events, "ready")[0].chunk_ms, 200);
  assert.deepEqual(named(events, "status"), [{ status: "connected", reason: "" }]);
});

test("a server without features gets none of their fields", async () => {
  const server = new FakeServer();
  server.features = undefined;
  await server.talk();
  assert.deepEqual(server.got, [{ type: "hello", seq: 1, protocol: 1 }]);
});

test("a typed conversation comes as events with the members of the frames", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk();

  call.sendText("When do you open?");
  assert.deepEqual(server.got[1], { type: "text", seq: 2, text: "When do you open?" });
  assert.ok(call.isWaitingForAnswer);
  server.accept(2);
  server.frame("transcript", { turn: 1, role: "model", text: "At nine.", final: true });
  server.frame("audio", { turn: 1, data: "AAABAA==" });
  server.frame("tool", { turn: 1, name: "ask_core_agent", phase: "started" });
  server.frame("tool", { turn: 1, name: "ask_core_agent", phase: "done" });
  const numbers = { tokens_in: 3, tokens_out: 5, cost_usd: 0.01, first_audio_ms: 90 };
  server.frame("turn_end", { turn: 1, ...numbers, skipped_messages: 0 });

  assert.equal(named(events, "transcript")[0].text, "At nine.");
  assert.deepEqual([...named(events, "audio")[0].pcm], [0, 0, 1, 0]);
  assert.deepEqual(named(events, "tool").map(({ phase }) => phase), ["started", "done"]);
  assert.equal(named(events, "turn-end")[0].cost_usd, 0.01);
  assert.ok(!call.isWaitingForAnswer);
});

for (const [type, members, name] of [
  ["interrupted", { turn: 1 }, "interrupted"],
  ["turn_restarted", { turn: 1 }, "turn-restarted"],
  ["reply_lost", { turn: 1, text: "so" }, "reply-lost"],
  ["no_speech", { through: 3 }, "no-speech"],
  ["speech_heard", { turn: 1 }, "speech-heard"],
  ["limit_reached", { kind: "cost", limit: 5, resets_at_ms: 9 }, "limit-reached"],
  ["error", { code: "model_busy", message: "later", retryable: true }, "error"],
]) {
  test(`the frame ${type} is the event ${name}`, async () => {
    const server = new FakeServer();
    const { events } = await server.talk();
    server.frame(type, members);
    const [detail] = named(events, name);
    assert.deepEqual({ ...detail, ...members }, detail);
  });
}

test("errors that the client handles itself are no events", async () => {
  const server = new FakeServer();
  const { events } = await server.talk();
  server.refuse("seq_taken", { seq: 1, next_seq: 3 });
  server.refuse("too_many_in_flight", { retryable: true, seq: 2 });
  server.answer("busy", { retry_after_ms: 1_000, seq: null });
  assert.deepEqual(named(events, "error"), []);
});

test("every frame can be observed, without its audio", async () => {
  const server = new FakeServer();
  const { events } = await server.talk();
  server.frame("audio", { turn: 1, data: "AAABAA==" });
  const frames = named(events, "frame");
  assert.deepEqual(
    frames.map(({ direction, frame }) => [direction, frame.type]),
    [["sent", "hello"], ["received", "ready"], ["received", "audio"]],
  );
  assert.deepEqual(frames[2].frame, { type: "audio", turn: 1, data_bytes: 4, epoch: 1, seq: 1 });
});

test("no event contains a ticket or a token", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk({ token: "secret-token" });
  server.socket.drop();
  await server.clock.advance(1_000);
  call.leave();
  assert.ok(events.length > 5);
  assert.ok(!JSON.stringify(events).includes("secret"));
});

for (const [text, kind, words] of [
  ["", RangeError, /visible/],
  [" \n\t", RangeError, /3 characters, none of them visible/],
  ["x".repeat(4_001), RangeError, /4001 characters: send at most 4000/],
  ["a\ud800b", RangeError, /lone surrogate.*remove it/],
  ["a\u202eb", RangeError, /U\+202E.*remove it/],
  ["a\u0000b", RangeError, /U\+0000.*remove it/],
  [undefined, TypeError, /undefined: pass a string/],
]) {
  test(`the text ${JSON.stringify(text)?.slice(0, 12)} is refused with advice`, async () => {
    const server = new FakeServer();
    const { call } = await server.talk();
    assert.throws(() => call.sendText(text), (error) => {
      return error instanceof kind && /^text/.test(error.message) && words.test(error.message);
    });
    assert.deepEqual(types(server.got), ["hello"]);
  });
}

test("4,000 emoji are 4,000 characters", async () => {
  const server = new FakeServer();
  const { call } = await server.talk();
  call.sendText("👋".repeat(4_000));
  assert.deepEqual(types(server.got), ["hello", "text"]);
});

test("stop is sent at once, and only to a server that has it", async () => {
  for (const [features, expected] of [[["stop"], ["hello", "stop"]], [[], ["hello"]]]) {
    const server = new FakeServer();
    server.features = features;
    const { call } = await server.talk();
    call.interrupt();
    assert.deepEqual(types(server.got), expected);
  }
});

test("hanging up says bye, waits for the server, acknowledges, and closes the line", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk();
  let isDone = false;
  const done = call.disconnect().then(() => {
    isDone = true;
  });
  await server.clock.advance(1_000);
  assert.ok(!isDone);
  server.frame("closed", { reason: "bye" });
  await server.clock.advance(0);
  await done;

  assert.deepEqual(types(server.got).slice(0, 2), ["hello", "bye"]);
  assert.deepEqual(server.got.at(-1).received, { epoch: 1, seq: 1 });
  assert.equal(server.socket.closedWith, 1000);
  assert.deepEqual(events.slice(-2), [
    ["status", { status: "closed", reason: "bye" }],
    ["closed", { reason: "bye" }],
  ]);
  assert.equal(call.resumption, null);
  assert.throws(() => call.sendText("hello"), { code: "call_over" });
  call.interrupt();
  await call.disconnect();
});

test("hanging up ends after 5 s, although the server does not answer", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk();
  const done = call.disconnect();
  await server.clock.advance(5_000);
  await done;
  assert.deepEqual(named(events, "closed"), [{ reason: "bye" }]);
});

test("a call that is left goes on after a reload, from the same position", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk();
  server.frame("transcript", { turn: 1, role: "model", text: "Good", final: false });
  call.leave();
  assert.ok(!types(server.got).includes("bye"));
  assert.deepEqual(named(events, "closed"), [{ reason: "left" }]);

  const kept = JSON.parse(JSON.stringify(call.resumption));
  const reloaded = await server.talk(kept);

  assert.deepEqual(server.http.requests.at(-1).json, { session_id: "S" });
  assert.deepEqual(server.got[0].resume_from, { epoch: 1, seq: 1 });
  server.frame("transcript", { turn: 1, role: "model", text: " morning", final: true });
  assert.deepEqual(named(reloaded.events, "transcript").map(({ text }) => text), [" morning"]);
});

test("an ended session waits 5 s for its reason", async () => {
  const server = new FakeServer();
  const { events } = await server.talk();
  server.refuse("session_ended");
  await server.clock.advance(4_999);
  assert.deepEqual(named(events, "closed"), []);
  await server.clock.advance(1);
  assert.deepEqual(named(events, "closed"), [{ reason: "session_ended" }]);

  const other = new FakeServer();
  const { events: heard } = await other.talk();
  other.refuse("session_ended");
  other.frame("closed", { reason: "erased" });
  await other.clock.advance(10_000);
  assert.deepEqual(named(heard, "closed"), [{ reason: "erased" }]);
  assert.equal(other.sockets.length, 1);
});

test("a refusal after which the call cannot go on ends it with the server's error", async () => {
  const server = new FakeServer();
  const { events } = await server.talk();
  server.refuse("too_many_errors");
  assert.deepEqual(named(events, "error").map(({ code }) => code), ["too_many_errors"]);
  assert.deepEqual(named(events, "closed"), [{ reason: "message_refused" }]);
});

for (const text of ["{", '{"type":"ready"}', null]) {
  test(`the server's message ${text} ends the call with an error`, async () => {
    const server = new FakeServer();
    const { events } = await server.talk();
    server.socket.onmessage({ data: text ?? new ArrayBuffer(2) });
    assert.deepEqual(named(events, "error").map(({ code }) => code), ["bad_server_message"]);
    assert.deepEqual(named(events, "closed"), [{ reason: "bad_server_message" }]);
    assert.equal(server.socket.closedWith, 1000);
  });
}
