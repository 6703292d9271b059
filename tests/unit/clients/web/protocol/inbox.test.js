/** The order of frames from one worker and from its successor. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ClientInbox } from "../../../../../clients/web/site/repartee/protocol/inbox.js";

const audio = (turn) => ({ type: "audio", turn, pcm: new Uint8Array(480) });
const end = (turn) => ({ type: "turn_end", turn });
const restart = (turn) => ({ type: "turn_restarted", turn });

function numbered(epoch, seq, frame) {
  return { kind: "numbered", epoch, seq, frame: { ...frame, epoch, seq } };
}

/** Returns what the inbox returns for each worker's frames in order, by type and turn. */
function taken(...epochs) {
  const inbox = new ClientInbox();
  return epochs.flatMap((frames, before) =>
    frames.flatMap((frame, index) => brief(inbox.put(numbered(before + 1, index + 1, frame)))),
  );
}

function brief(frames) {
  return frames.map(({ type, turn }) => `${type} ${turn}`);
}

test("a restart is returned once", () => {
  const frames = ["audio 2", "turn_restarted 2", "audio 2"];
  assert.deepEqual(taken([audio(2)], [restart(2), audio(2)]), frames);
});

test("open turns are restarted in their order", () => {
  const frames = taken([audio(3), audio(2)], [audio(4)]);
  assert.deepEqual(frames.slice(2), ["turn_restarted 2", "turn_restarted 3", "audio 4"]);
});

for (const late of [[], [{ type: "transcript", turn: 1, role: "user", text: "", final: true }]]) {
  test(`an ended turn with ${late.length} late pieces is not restarted`, () => {
    const frames = taken([audio(1), end(1), ...late], [audio(2)]);
    assert.equal(frames.at(-1), "audio 2");
    assert.equal(frames.includes("turn_restarted 1"), false);
  });
}

test("the restart waits for the first frame of the next worker", () => {
  const inbox = new ClientInbox();
  inbox.put(numbered(1, 1, audio(2)));

  assert.deepEqual(inbox.put(numbered(2, 2, end(2))), []);
  const frames = brief(inbox.put(numbered(2, 1, audio(2))));

  assert.deepEqual(frames, ["turn_restarted 2", "audio 2", "turn_end 2"]);
});

test("after its first frame a joining client holds early frames", () => {
  const inbox = new ClientInbox();
  inbox.join();
  assert.deepEqual(brief(inbox.put(numbered(1, 7, audio(1)))), ["audio 1"]);
  assert.deepEqual(inbox.put(numbered(1, 9, audio(3))), []);
  assert.deepEqual(brief(inbox.put(numbered(1, 8, audio(2)))), ["audio 2", "audio 3"]);
});

test("a client that has received frames does not join", () => {
  const inbox = new ClientInbox();
  inbox.put(numbered(1, 1, audio(1)));
  inbox.join();
  assert.deepEqual(inbox.put(numbered(1, 3, audio(1))), []);
});
