/** Runs the vectors of tests/vectors on the protocol state machine of repartee.js. */

import assert from "node:assert/strict";

import { ClientSession } from "../../../../../clients/web/site/repartee/protocol/session.js";

// The library handles these itself.
const NOT_REPORTED = ["accepted", "missing", "busy", "pong", "reconnect_soon"];

/** The client under test: the methods that a vector needs. */
class Adapter {
  comesBack = true;
  #session;

  constructor(features) {
    this.#session = new ClientSession({
      features,
      marksSpeech: features.includes("marks_speech"),
    });
  }

  connect(atMs) {
    this.#session.connected(atMs);
  }

  /** Takes a frame; returns what is reported to the application. */
  receive(frame, atMs) {
    const reported = this.#session.receive(JSON.stringify(frame), atMs);
    // After these the client does not open another connection.
    if (reported.some(({ type, code }) => type === "closed" || code === "superseded_connection")) {
      this.comesBack = false;
    }
    return reported.filter(({ type }) => !NOT_REPORTED.includes(type));
  }

  /** Does what the user does. */
  act(action, atMs) {
    const session = this.#session;
    const actions = {
      say: () => session.text(action.text, atMs),
      audio: () => session.audio(Buffer.from(action.data, "base64")),
      speech_start: () => session.speechStart(),
      speech_end: () => session.speechEnd(atMs),
      stop: () => session.stop(atMs),
      hang_up: () => session.bye(),
    };
    actions[action.does]();
  }

  outgoing(atMs) {
    return this.#session.outgoing(atMs).map((text) => JSON.parse(text));
  }

  nextDeadlineMs() {
    return this.#session.nextDeadlineMs();
  }
}

/** Runs a vector; returns a line for each step that went wrong. */
export function failures(vector) {
  const client = new Adapter(vector.features);
  return vector.steps.flatMap((step, index) =>
    failuresOf(client, step).map((wrong) => `step ${index + 1}: ${wrong}`),
  );
}

function failuresOf(client, step) {
  const wrong = [];
  const sent = sentUntil(client, step.at_ms);
  let reported = [];
  if (step.connected) {
    client.connect(step.at_ms);
  } else if (step.line_lost && client.comesBack !== step.comes_back) {
    wrong.push(`comes back: ${client.comesBack}`);
  } else if (step.receives) {
    reported = client.receive(expanded(step.receives), step.at_ms);
  } else if (step.user) {
    client.act(step.user, step.at_ms);
  }
  sent.push(...client.outgoing(step.at_ms));
  if (!isEqual(sent, step.sends ?? [])) {
    wrong.push(`sent ${JSON.stringify(sent)}`);
  }
  if (!areReported(step.reports ?? [], reported)) {
    wrong.push(`reported ${JSON.stringify(reported)}`);
  }
  return wrong;
}

/** Returns a received frame with its audio. */
function expanded(frame) {
  const length = frame.data?.zero_bytes;
  return length === undefined
    ? frame
    : { ...frame, data: Buffer.alloc(length).toString("base64") };
}

/** Lets time pass up to `atMs`, which is not included; returns what the client sends. */
function sentUntil(client, atMs) {
  const sent = [];
  for (let dueMs = client.nextDeadlineMs(); dueMs !== null && dueMs < atMs; ) {
    sent.push(...client.outgoing(dueMs));
    dueMs = client.nextDeadlineMs();
  }
  return sent;
}

function areReported(wanted, reported) {
  return (
    wanted.length === reported.length &&
    wanted.every((one, index) =>
      Object.entries(one).every(([name, value]) => isEqual(reported[index][name], value)),
    )
  );
}

function isEqual(one, other) {
  try {
    assert.deepStrictEqual(one, other);
    return true;
  } catch {
    return false;
  }
}
