import assert from "node:assert/strict";
import { test } from "node:test";

import { HttpProblem } from "../../../../clients/web/site/repartee.js";
import { problem } from "./fake_http.js";
import { FakeServer, named } from "./fake_server.js";

function statuses(events) {
  return named(events, "status").map(({ status }) => status);
}

function sentBy(socket, ...types) {
  return socket.got.filter(({ type }) => types.includes(type));
}

test("a lost line comes back at once, and both sides send what the other lacks", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk();
  server.frame("transcript", { turn: 1, role: "model", text: "Good", final: false });
  call.sendText("first");
  const [line] = server.sockets;
  line.drop(1006, "");
  call.sendText("second");
  await server.clock.advance(200);

  assert.equal(server.sockets.length, 2);
  assert.deepEqual(server.http.requests[1].json, { session_id: "S" });
  assert.equal(server.socket.url, "wss://ws.example.com/prod?ticket=secret-2");
  assert.deepEqual(server.got[0].resume_from, { epoch: 1, seq: 1 });
  const texts = sentBy(server.socket, "text").map(({ text }) => text);
  assert.deepEqual(texts, ["first", "second"]);
  assert.deepEqual(named(events, "status"), [
    { status: "connected", reason: "" },
    { status: "reconnecting", reason: "the connection ended: 1006" },
    { status: "connected", reason: "" },
  ]);
  assert.equal(named(events, "ready").length, 1);
});

test("a call tries for 120 s with growing pauses, and then gives up with advice", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk();
  const triedAtMs = [];
  server.http.answer(() => {
    triedAtMs.push(server.clock.nowMs());
    return { fails: true };
  });
  server.socket.drop();
  await server.clock.advance(150_000);

  const pauses = triedAtMs.map((atMs, index) => atMs - (triedAtMs[index - 1] ?? 0));
  assert.ok(pauses[0] <= 200, "a line often comes back at once");
  assert.ok(pauses.every((pause, index) => pause >= (pauses[index - 1] ?? 0) && pause <= 10_000));
  assert.ok(triedAtMs.length < 25 && triedAtMs.at(-1) > 110_000, `${triedAtMs}`);
  assert.deepEqual(statuses(events), ["connected", "reconnecting", "closed"]);
  const [{ code, message }] = named(events, "error");
  assert.equal(code, "connection_lost");
  assert.match(message, /ended: 1006.*within 120 s: open a call with the session's id/);
  assert.deepEqual(named(events, "closed"), [{ reason: "connection_lost" }]);
  assert.equal(call.resumption.session, "S");
});

test("lines that open and break at once do not go on for ever", async () => {
  const server = new FakeServer();
  const { events } = await server.talk({ reconnectForMs: 30_000 });
  server.answersHello = false;
  server.socket.drop();
  for (let second = 0; second < 60; second += 1) {
    await server.clock.advance(1_000);
    server.socket.drop();
  }
  assert.deepEqual(named(events, "closed"), [{ reason: "connection_lost" }]);
  assert.ok(server.sockets.length < 12);
});

for (const answer of [problem(500, "internal_error"), problem(503, "unavailable"),
  problem(429, "too_many_sessions"), { fails: true }]) {
  test(`a server that answers ${answer.status ?? "nothing"} is asked again`, async () => {
    const server = new FakeServer();
    const { events } = await server.talk();
    server.http.answer(answer);
    server.socket.drop();
    await server.clock.advance(20_000);
    server.http.answer(() => server.ticket());
    await server.clock.advance(20_000);
    assert.deepEqual(statuses(events), ["connected", "reconnecting", "connected"]);
  });
}

test("a handshake that fails says nothing, so the next ticket decides", async () => {
  const server = new FakeServer();
  const { events } = await server.talk();
  server.accepts = false;
  server.socket.drop();
  await server.clock.advance(20_000);
  assert.deepEqual(statuses(events), ["connected", "reconnecting"]);
  server.http.answer(problem(409, "session_ended"));
  await server.clock.advance(10_000);
  assert.deepEqual(named(events, "closed"), [{ reason: "session_ended" }]);
  assert.deepEqual(named(events, "error"), []);
});

for (const [status, code, reason] of [
  [404, "session_unknown", "session_ended"],
  [409, "session_ended", "session_ended"],
  [403, "user_erased", "erased"],
]) {
  test(`${code} on the way back closes the call with ${reason}`, async () => {
    const server = new FakeServer();
    const { call, events } = await server.talk();
    server.http.answer(problem(status, code));
    server.socket.drop();
    await server.clock.advance(10_000);
    assert.deepEqual(named(events, "closed"), [{ reason }]);
    assert.equal(server.http.requests.length, 2);
    assert.equal(call.resumption, null);
  });
}

test("a daily limit that is reached meanwhile is an event like the server's frame", async () => {
  const server = new FakeServer();
  const { events } = await server.talk();
  const resetsAt = "2026-11-21T00:00:00.000Z";
  const limit = { kind: "cost", limit: 5, resets_at: resetsAt };
  server.http.answer(problem(429, "daily_limit_reached", limit));
  server.socket.drop();
  await server.clock.advance(1_000);
  assert.deepEqual(named(events, "limit-reached"), [
    { kind: "cost", limit: 5, resets_at_ms: Date.parse(resetsAt) },
  ]);
  assert.deepEqual(named(events, "closed"), [{ reason: "limit_reached" }]);
});

for (const [status, attempts] of [[401, 2], [403, 2], [422, 1]]) {
  test(`the status ${status} ends the call after ${attempts} requests`, async () => {
    const server = new FakeServer();
    const tokens = [];
    const token = (state) => tokens.push(state.isRefused) && "token";
    const { events } = await server.talk({ token });
    server.http.answer(problem(status, "", {}));
    server.socket.drop();
    await server.clock.advance(60_000);
    assert.deepEqual(named(events, "error").map(({ code }) => code), ["access_refused"]);
    assert.deepEqual(named(events, "closed"), [{ reason: "access_refused" }]);
    assert.equal(server.http.requests.length, 1 + attempts);
    assert.equal(tokens.at(-1), status === 401);
  });
}

test("a token function that fails is asked again, unless nobody is signed in", async () => {
  const server = new FakeServer();
  let failure = null;
  const token = () => {
    if (failure !== null) {
      throw failure;
    }
    return "token";
  };
  const { events } = await server.talk({ token });
  failure = new Error("the issuer does not answer");
  server.socket.drop();
  await server.clock.advance(5_000);
  assert.deepEqual(statuses(events), ["connected", "reconnecting"]);
  failure = new HttpProblem({ status: 401, message: "sign in again" });
  await server.clock.advance(10_000);
  assert.deepEqual(named(events, "error"), [{ code: "access_refused", message: "sign in again" }]);
});

test("a token function that hangs does not end the attempts", async () => {
  const server = new FakeServer();
  let isHanging = false;
  const token = () => (isHanging ? new Promise(() => {}) : "token");
  const { events } = await server.talk({ token });
  isHanging = true;
  server.socket.drop();
  await server.clock.advance(10_000);
  isHanging = false;
  await server.clock.advance(20_000);
  assert.deepEqual(statuses(events), ["connected", "reconnecting", "connected"]);
});

test("a connection that another one took over ends the call for good", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk();
  server.refuse("superseded_connection");
  server.socket.drop(1000);
  await server.clock.advance(300_000);
  assert.deepEqual(named(events, "closed"), [{ reason: "superseded_connection" }]);
  assert.deepEqual(named(events, "error"), []);
  assert.equal(server.sockets.length, 1);
  assert.equal(call.resumption.session, "S", "the user may take it back");
});

test("reconnect_soon opens the next connection while the old one serves", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk();
  const [old] = server.sockets;
  server.accepts = null;
  server.answer("reconnect_soon", { within_s: 300 });
  await server.clock.advance(100);
  call.sendText("over the old line");
  assert.equal(sentBy(old, "text").length, 1);
  assert.equal(old.closedWith, undefined);

  server.accepts = true;
  await server.clock.advance(20_000);
  old.deliver({ type: "reconnect_soon", within_s: 280 });
  await server.clock.advance(0);
  old.deliver({ type: "error", code: "superseded_connection", message: "", retryable: false });

  assert.equal(old.closedWith, 1000);
  assert.deepEqual(sentBy(server.socket, "text").map(({ text }) => text), [
    "over the old line",
  ]);
  assert.deepEqual(statuses(events), ["connected"]);
  assert.deepEqual(named(events, "closed"), []);
});

test("a line that breaks during reconnect_soon comes back once", async () => {
  const server = new FakeServer();
  const { events } = await server.talk();
  server.answer("reconnect_soon", { within_s: 300 });
  server.socket.drop(1001);
  await server.clock.advance(1_000);
  const open = server.sockets.filter(({ isOpen }) => isOpen);
  assert.equal(open.length, 1);
  assert.deepEqual(statuses(events), ["connected", "reconnecting", "connected"]);
});

test("a server that is silent for 15 s after a message counts as lost", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk();
  server.answersHello = false;
  call.sendText("hello?");
  await server.clock.advance(14_999);
  assert.deepEqual(statuses(events), ["connected"]);
  server.answersHello = true;
  await server.clock.advance(1_000);
  assert.deepEqual(named(events, "status")[1].reason, "the server is silent");
  assert.deepEqual(statuses(events), ["connected", "reconnecting", "connected"]);
  assert.equal(server.sockets[0].closedWith, 1000);
  assert.deepEqual(sentBy(server.socket, "text").map(({ text }) => text), ["hello?"]);
});

test("an idle call is not silent: the server has nothing to answer", async () => {
  const server = new FakeServer();
  const { events } = await server.talk();
  await server.clock.advance(20 * 60_000);
  assert.deepEqual(statuses(events), ["connected"]);
  assert.equal(server.sockets.length, 1);
});

test("a network that comes back is used at once", async () => {
  const server = new FakeServer();
  const { events } = await server.talk();
  server.http.answer({ fails: true });
  server.socket.drop();
  await server.clock.advance(60_000);
  server.http.answer(() => server.ticket());
  server.window.dispatchEvent(new Event("online"));
  await server.clock.advance(0);
  assert.deepEqual(statuses(events), ["connected", "reconnecting", "connected"]);
});

test("after a change of the network a line without an answer is lost within 5 s", async () => {
  for (const name of ["online", "offline", "visibilitychange"]) {
    const server = new FakeServer();
    const { events } = await server.talk();
    server.window.dispatchEvent(new Event(name));
    await server.clock.advance(10_000);
    assert.deepEqual(statuses(events), ["connected"], "the pong came");

    server.answersHello = false;
    server.window.dispatchEvent(new Event(name));
    await server.clock.advance(5_000);
    assert.deepEqual(statuses(events), ["connected", "reconnecting"]);
  }
});

test("a device that says it is offline has lost a line without an answer within 1 s", async () => {
  const server = new FakeServer();
  const { events } = await server.talk();
  server.answersHello = false;
  server.window.dispatchEvent(new Event("offline"));
  await server.clock.advance(1_000);
  assert.deepEqual(statuses(events), ["connected", "reconnecting"]);
});

test("a line that is closing counts as lost with the next message", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk();
  server.socket.readyState = 2;
  call.sendText("hello");
  await server.clock.advance(0);
  assert.deepEqual(statuses(events), ["connected", "reconnecting"]);
  await server.clock.advance(200);
  assert.deepEqual(statuses(events), ["connected", "reconnecting", "connected"]);
  assert.equal(sentBy(server.socket, "text").length, 1);
});

test("a change of the network before ready sends nothing but hello", async () => {
  const server = new FakeServer();
  const { events } = await server.talk();
  server.answersHello = false;
  server.socket.drop();
  await server.clock.advance(200);
  server.window.dispatchEvent(new Event("online"));
  await server.clock.advance(1_000);
  assert.deepEqual(server.got.map(({ type }) => type), ["hello"]);
  server.answersHello = true;
  await server.clock.advance(10_000);
  assert.deepEqual(statuses(events), ["connected", "reconnecting", "connected"]);
});

test("a call that is over no longer looks at the network", async () => {
  const server = new FakeServer();
  const { call } = await server.talk();
  call.leave();
  server.window.dispatchEvent(new Event("online"));
  await server.clock.advance(60_000);
  assert.equal(server.sockets.length, 1);
  assert.equal(sentBy(server.socket, "ping").length, 0);
});

test("a call that hangs up while the line is lost is over within 5 s", async () => {
  const server = new FakeServer();
  const { call, events } = await server.talk();
  server.http.answer({ fails: true });
  server.socket.drop();
  const done = call.disconnect();
  await server.clock.advance(5_000);
  await done;
  const requests = server.http.requests.length;
  await server.clock.advance(60_000);
  assert.deepEqual(named(events, "closed"), [{ reason: "bye" }]);
  assert.equal(server.http.requests.length, requests);
});
