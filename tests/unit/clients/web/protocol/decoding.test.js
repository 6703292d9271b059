/** The forms of the frames: docs/protocol.md has an example of each. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  decodeBase64,
  encodeBase64,
} from "../../../../../clients/web/site/repartee/protocol/base64.js";
import {
  BadServerMessageError,
  decodeServerMessage,
} from "../../../../../clients/web/site/repartee/protocol/decoding.js";
import { ANSWERS, FRAMES } from "../../../../../clients/web/site/repartee/protocol/forms.js";
import { answer, openSession, worker } from "./sessions.js";

const PAGE = new URL("../../../../../docs/protocol.md", import.meta.url);
const EXAMPLES = readFileSync(PAGE, "utf8")
  .match(/(?<=```json\n)\{"type".*(?=\n```)/g)
  .map((text) => JSON.parse(text));
const OF_SERVER = EXAMPLES.filter((frame) =>
  Object.hasOwn("epoch" in frame ? FRAMES : ANSWERS, frame.type),
);

for (const example of OF_SERVER) {
  test(`every member of the documented ${example.type} is known`, () => {
    const { kind, frame, answer: unnumbered } = decodeServerMessage(JSON.stringify(example));

    const { pcm, ...members } = kind === "numbered" ? frame : unnumbered;
    const { data, ...documented } = example;
    assert.deepEqual(members, documented);
    assert.equal(pcm && Buffer.from(pcm).toString("base64"), data);
  });
}

test("every known frame is documented", () => {
  const names = (forms) => Object.keys(forms).sort();
  const documented = (isNumbered) =>
    OF_SERVER.filter((frame) => "epoch" in frame === isNumbered).map(({ type }) => type);
  assert.deepEqual([...new Set(documented(true))].sort(), names(FRAMES));
  assert.deepEqual([...new Set(documented(false))].sort(), names(ANSWERS));
});

const MALFORMED = [
  ["", "not JSON"],
  ["{", "not JSON"],
  ["null", "no JSON object with a type"],
  ['["audio"]', "no JSON object with a type"],
  ["{}", "no JSON object with a type"],
  ['{"type":3}', "no JSON object with a type"],
  ['{"type":"ready"}', "malformed ready: session_id is missing"],
  ['{"type":"pong","served":1}', "malformed pong: served is 1"],
  ['{"type":"busy","retry_after_ms":true}', "retry_after_ms is true"],
  ['{"type":"busy","retry_after_ms":"5"}', 'retry_after_ms is "5"'],
  ['{"type":"closed","epoch":1,"seq":1}', "reason is missing"],
  ['{"type":"closed","reason":"bye","epoch":"1","seq":1}', 'epoch is "1"'],
  ['{"type":"closed","reason":"bye","epoch":1}', "seq is missing"],
  ['{"type":"novelty","epoch":1}', "seq is missing"],
  ['{"type":"audio","turn":1,"data":"?","epoch":1,"seq":1}', "data is not base64"],
  ['{"type":"audio","turn":1,"data":"AAA","epoch":1,"seq":1}', "data is not base64"],
  ['{"type":"interrupted","turn":1.5,"epoch":1,"seq":1}', "turn is 1.5"],
];

for (const [text, says] of MALFORMED) {
  test(`the malformed message ${text} is named`, () => {
    const session = openSession();
    assert.throws(
      () => session.receive(text, 10),
      (error) => error instanceof BadServerMessageError && error.message.includes(says),
    );
  });
}

test("members and values of later versions are taken", () => {
  const [closed] = openSession().receive(worker()("closed", { reason: "tired", mood: 1 }), 10);
  assert.deepEqual(closed, { type: "closed", reason: "tired", epoch: 1, seq: 1 });
});

test("a type that is the name of a method of every object is unknown", () => {
  const session = openSession();
  assert.deepEqual(session.receive(answer("constructor"), 0), []);
  assert.deepEqual(session.receive(worker()("toString"), 0), []);
});

test("a text is sent as UTF-8 without escapes", () => {
  const session = openSession();
  session.text("Grüße 👋 \u2028", 0);
  assert.deepEqual(session.outgoing(0), ['{"type":"text","seq":2,"text":"Grüße 👋 \u2028"}']);
});

test("base64 is the same with and without the new methods of Uint8Array", () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256);
  const text = Buffer.from(bytes).toString("base64");
  assert.equal(encodeBase64(bytes), text);
  assert.deepEqual(decodeBase64(text), bytes);

  const native = { fromBase64: Uint8Array.fromBase64, toBase64: Uint8Array.prototype.toBase64 };
  Uint8Array.fromBase64 = (one) => [one];
  Uint8Array.prototype.toBase64 = () => "native";
  try {
    assert.deepEqual([encodeBase64(bytes), decodeBase64("AAAA")], ["native", ["AAAA"]]);
  } finally {
    Object.assign(Uint8Array, { fromBase64: native.fromBase64 });
    Object.assign(Uint8Array.prototype, { toBase64: native.toBase64 });
  }
});
