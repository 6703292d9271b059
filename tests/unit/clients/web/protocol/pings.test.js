/** What the client sends although nothing happens. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ClientSession } from "../../../../../clients/web/site/repartee/protocol/session.js";
import { answer, CHUNK, openSession, ready, said, worker } from "./sessions.js";

test("hello is sent again every 3 s until it is answered", () => {
  const session = new ClientSession();
  session.connected(0);
  const hello = session.outgoing(0);
  assert.equal(session.nextDeadlineMs(), 3_000);
  assert.deepEqual(session.outgoing(3_000), hello);
  assert.deepEqual(session.outgoing(5_999), []);
  assert.deepEqual(session.outgoing(6_000), hello);

  session.receive(ready(), 6_100);

  assert.deepEqual(session.outgoing(9_100), []);
});

test("before the first ready nothing but hello is sent, whatever is missing", () => {
  const session = new ClientSession();
  session.connected(0);
  session.outgoing(0);
  session.speechStart();

  session.receive(worker()("missing", { first_seq: 2, last_seq: 2 }), 200);

  assert.deepEqual(session.outgoing(200), []);
});

test("a client that has hung up pings until the session is closed", () => {
  const session = openSession();
  const frame = worker();
  session.bye();
  session.outgoing(0);
  session.receive(frame("accepted", { through: 2 }), 10);

  assert.deepEqual(said(session.outgoing(1_010)), ["ping"]);
  assert.deepEqual(said(session.outgoing(2_010)), ["ping"]);
  session.receive(frame("closed", { reason: "bye" }), 2_100);
  assert.deepEqual(said(session.outgoing(9_000)), ["ack"]);
});

test("a message that is refused for a moment is sent again after a second", () => {
  const session = openSession();
  session.text("one", 0);
  session.outgoing(0);
  const far = { code: "seq_too_far", message: "", retryable: true, seq: 2, next_seq: 2 };

  session.receive(answer("error", far), 1);

  assert.deepEqual(session.outgoing(1), []);
  assert.deepEqual(said(session.outgoing(1_001)), ["text 2", "ping"]);
  assert.equal(session.refusal, null);
});

test("the idle time counts from the opening of the connection and from the last message", () => {
  const session = openSession();
  assert.equal(session.nextDeadlineMs(), 480_000);
  session.connected(1_000);
  session.receive(ready(), 1_000);
  assert.equal(session.nextDeadlineMs(), 1_000);
  session.outgoing(1_000);
  session.receive(worker()("accepted", { through: 2 }), 1_000);
  assert.deepEqual(said(session.outgoing(4_000)), ["ack"]);
  assert.equal(session.nextDeadlineMs(), 484_000);
  assert.deepEqual(session.outgoing(483_999), []);
  assert.deepEqual(session.outgoing(484_000), ['{"type":"ping","owed":false}']);
});

test("unaccepted audio is asked about, even if no answer is owed", () => {
  const session = openSession();
  session.audio(CHUNK);
  session.outgoing(0);
  assert.deepEqual(session.outgoing(999), []);
  assert.deepEqual(session.outgoing(1_000), ['{"type":"ping","owed":true}']);
});
