/** Which messages are sent again, and under which numbers. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ClientSession } from "../../../../../clients/web/site/repartee/protocol/session.js";
import {
  answer,
  CHUNK,
  COMPLAINT,
  openSession,
  ready,
  said,
  turnEnd,
  worker,
} from "./sessions.js";

function taken(seq, nextSeq) {
  return answer("error", {
    code: "seq_taken",
    message: "",
    retryable: false,
    seq,
    next_seq: nextSeq,
  });
}

test("a hello that API Gateway did not deliver is sent again after its own wait", () => {
  const session = new ClientSession();
  session.connected(0);
  const hello = session.outgoing(0);

  session.receive(COMPLAINT, 100);

  assert.deepEqual(session.outgoing(2_999), []);
  assert.deepEqual(session.outgoing(3_000), hello);
});

test("a message whose number was given up before it was sent is sent anyway", () => {
  const session = openSession({ answered: { max_in_flight: 2 } });
  session.audio(CHUNK);
  session.text("Hello?", 0);
  session.audio(CHUNK);
  session.audio(CHUNK);
  assert.deepEqual(said(session.outgoing(10)), ["audio 2"]);

  session.receive(worker()("accepted", { through: 4 }), 20);

  assert.deepEqual(said(session.outgoing(30)), ["text 3", "audio 4"]);
  assert.deepEqual(said(session.outgoing(40)), ["audio 5"]);
});

test("a hello that was never sent is sent later, because its number is expected", () => {
  const session = new ClientSession();
  session.connected(0);
  session.connected(10);
  assert.deepEqual(said(session.outgoing(10)), ["hello 2"]);

  session.receive(ready(), 20);

  assert.deepEqual(said(session.outgoing(20)), ["hello 1"]);
});

for (const nextSeq of [2, 41]) {
  test(`unsent messages are numbered from next_seq ${nextSeq} in ready`, () => {
    const session = new ClientSession();
    session.connected(0);
    session.outgoing(0);
    session.text("one", 0);
    session.text("two", 0);

    session.receive(ready({ next_seq: nextSeq }), 0);

    assert.deepEqual(said(session.outgoing(0)), [`text ${nextSeq}`, `text ${nextSeq + 1}`]);
    session.bye();
    assert.deepEqual(said(session.outgoing(1)), [`bye ${nextSeq + 2}`]);
    session.receive(worker()("accepted", { through: nextSeq + 2 }), 2);
    assert.equal(session.outbox.acceptedThrough, 4);
    assert.equal(session.outbox.inFlight, 0);
  });
}

test("a message that is queued before the hello keeps its number", () => {
  const session = new ClientSession();
  session.text("at once", 0);
  session.connected(0);
  assert.deepEqual(said(session.outgoing(0)), ["hello 2"]);

  session.receive(ready({ next_seq: 3 }), 0);

  assert.deepEqual(said(session.outgoing(0)), ["text 1"]);
});

test("a repeated ready renumbers nothing", () => {
  const session = openSession({ answered: { next_seq: 2 } });
  session.text("one", 0);
  session.text("two", 0);
  session.outgoing(0);

  session.receive(ready({ next_seq: 2 }), 2);
  session.text("three", 3);

  assert.deepEqual(said(session.outgoing(3)), ["text 4"]);
});

for (const isCovered of [false, true]) {
  test(`a ${isCovered ? "covered " : ""}message with a taken number gets the next one`, () => {
    const session = openSession();
    const frame = worker();
    session.text("mine", 0);
    session.outgoing(0);
    if (isCovered) {
      session.receive(frame("accepted", { through: 5 }), 0);
    }

    session.receive(taken(2, 41), 1);
    session.text("and this", 1);

    assert.deepEqual(said(session.outgoing(1)), ["text 41", "text 42"]);
    session.receive(taken(2, 41), 2);
    assert.deepEqual(session.outgoing(2), []);
    session.receive(frame("accepted", { through: 42 }), 3);
    assert.equal(session.outbox.inFlight, 0);
  });
}

test("messages with taken numbers get new ones in order, and audio is dropped", () => {
  const session = openSession();
  session.text("one", 0);
  session.audio(CHUNK);
  session.text("two", 0);
  session.outgoing(0);

  [2, 3, 4].forEach((seq) => session.receive(taken(seq, 9), 1));

  assert.deepEqual(said(session.outgoing(1)).sort(), ["text 10", "text 9"]);
});

test("the last 64 accepted messages are kept for a taken number, and no more", () => {
  const session = openSession({ answered: { max_in_flight: 100 } });
  for (let count = 0; count < 65; count += 1) {
    session.text("one of 65", 0);
  }
  session.outgoing(0);
  // The hello has the number 1, so the texts have 2 to 66.
  session.receive(worker()("accepted", { through: 66 }), 1);

  session.receive(taken(2, 90), 2);
  assert.deepEqual(session.outgoing(2), []);
  session.receive(taken(3, 90), 2);
  assert.deepEqual(said(session.outgoing(2)), ["text 90"]);
});

test("a text that was queued before ready is not accepted by the numbers of an earlier page", () => {
  const session = new ClientSession();
  const frame = worker();
  session.connected(0);
  session.outgoing(0);
  session.text("new", 0);
  session.receive(frame("accepted", { through: 40 }), 1);

  session.receive(ready({ next_seq: 41 }), 2);
  assert.deepEqual(said(session.outgoing(2)), ["text 41"]);
  session.receive(frame("turn_end", turnEnd(3)), 3);
  assert.equal(session.isWaitingForAnswer, true);
});
