import assert from "node:assert/strict";
import { test } from "node:test";

import { problem } from "./fake_http.js";
import { FakeAudio, FakeServer } from "./fake_server.js";

test("a refused ticket is the server's problem, and is not requested again", async () => {
  for (const [status, code] of [[404, "session_unknown"], [409, "session_ended"]]) {
    const server = new FakeServer();
    server.http.answer(problem(status, code));
    await assert.rejects(server.connect({ session: "S" }), { name: "HttpProblem", status, code });
    assert.equal(server.http.requests.length, 1);
  }
});

test("a failing server is asked five times within 3 s", async () => {
  const server = new FakeServer();
  server.http.answer({ status: 503, json: { message: "Service Unavailable" } });
  const failure = server.connect().catch((error) => error);
  await server.clock.advance(3_000);
  assert.equal((await failure).status, 503);
  assert.equal(server.http.requests.length, 5);
});

test("handshakes that fail three times are an error with advice, without the ticket", async () => {
  const server = new FakeServer();
  server.accepts = false;
  const failure = server.connect().catch((error) => error);
  await server.clock.advance(1_000);
  const error = await failure;
  assert.equal(error.code, "connection_refused");
  assert.match(error.message, /wss:\/\/ws\.example\.com\/prod: .*AllowedOrigins/);
  assert.ok(!`${error.message} ${error.stack}`.includes("secret"));
  assert.equal(server.sockets.length, 3);
});

test("a handshake without an answer, and a server without ready, end after 30 s", async () => {
  for (const fault of [{ accepts: null }, { answersHello: false }]) {
    const server = Object.assign(new FakeServer(), fault);
    const failure = server.connect().catch((error) => error);
    await server.clock.advance(30_000);
    assert.equal((await failure).code, "no_answer");
    assert.ok(!server.socket.isOpen);
  }
});

test("the opening of a call can be given up", async () => {
  const server = new FakeServer();
  server.accepts = null;
  const controller = new AbortController();
  const audio = new FakeAudio();
  const failure = server.connect({ signal: controller.signal, audio }).catch((error) => error);
  await server.clock.advance(0);
  controller.abort();
  assert.equal((await failure).name, "AbortError");
  assert.equal(server.socket.isOpen, false);
  assert.ok(audio.did.includes("end"));
});

test("a session that ends before it is ready is no call", async () => {
  const server = new FakeServer();
  server.answersHello = false;
  const failure = server.connect().catch((error) => error);
  await server.clock.advance(0);
  server.refuse("superseded_connection");
  const error = await failure;
  assert.deepEqual([error.code, error.message], [
    "call_over",
    "the session is over: superseded_connection",
  ]);
});

test("an address that is not encrypted is refused before the token is used", async () => {
  const server = new FakeServer();
  server.ticket = () => ({
    status: 201,
    json: { session_id: "S", conversation_id: "C", url: "ws://ws.example.com?ticket=secret" },
  });
  await assert.rejects(server.connect(), (error) => {
    return error.code === "invalid_url" && !error.message.includes("secret");
  });
});
