import assert from "node:assert/strict";
import { test } from "node:test";

import { CallControl } from "../../../../../clients/web/site/page/call_control.js";
import {
  INITIAL_STATE,
  reduceApp,
} from "../../../../../clients/web/site/page/state/app_state.js";
import { endingOf } from "../../../../../clients/web/site/page/state/notices.js";
import { phaseOf } from "../../../../../clients/web/site/page/state/phase.js";
import { Store } from "../../../../../clients/web/site/page/state/store.js";
import { CallError, HttpProblem } from "../../../../../clients/web/site/repartee.js";

class FakeCall extends EventTarget {
  sessionId = "S1";
  conversationId = "C1";
  resumption = { session: "S1", resumeFrom: { epoch: 1, seq: 7 } };
  resumptionWithAudio = { session: "S1", resumeFrom: { epoch: 1, seq: 7, audio: "AAAA" } };
  log = [];

  report(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  sendText(text) {
    this.log.push(`text ${text}`);
  }

  press() {
    this.log.push("press");
  }

  release() {
    this.log.push("release");
  }

  leave() {
    this.log.push("leave");
  }

  async disconnect() {
    this.log.push("disconnect");
  }
}

class FakeAudio {
  unplayed = 0;
  log = [];

  unlock() {
    this.log.push("unlock");
  }

  unplayedMs() {
    return this.unplayed;
  }

  async end() {
    this.log.push("end");
  }

  async setInputDevice(id) {
    this.log.push(`input ${id}`);
  }
}

class FakeStorage {
  #items = new Map();
  getItem = (key) => this.#items.get(key) ?? null;
  setItem = (key, value) => this.#items.set(key, value);
  removeItem = (key) => this.#items.delete(key);
}

/** Returns a page's control whose calls open at once, or fail with `failure`. */
function page({ storage = new FakeStorage(), failure, stored = [] } = {}) {
  const store = new Store(reduceApp, INITIAL_STATE);
  store.dispatch({ type: "signed-in", isSignedIn: true });
  const made = { store, storage, calls: [], audios: [], requests: [], pages: [] };
  const library = {
    connect: async (url, options) => {
      made.requests.push(options);
      await null;
      options.signal.throwIfAborted();
      if (failure) throw failure;
      made.calls.push(new FakeCall());
      return made.calls.at(-1);
    },
    makeAudio: () => {
      made.audios.push(new FakeAudio());
      return made.audios.at(-1);
    },
    wakeLock: { hold: async () => made.pages.push("awake"), release: async () => {} },
  };
  const api = {
    turns: async (id, { after }) => {
      const from = after ?? 0;
      return { items: stored.slice(from, from + 2), nextAfter: stored[from + 2] ? from + 2 : null };
    },
  };
  made.control = new CallControl({ store, library, url: "/", token: "t", api, storage });
  return made;
}

const storedTurn = (number) => ({
  number,
  session_id: "S0",
  heard: { text: `question ${number}` },
  said: { text: `answer ${number}` },
  tool_calls: [],
  first_audio_ms: 1,
  cost_usd: 0.1,
});

test("the sound is unlocked before anything waits, as iOS requires", () => {
  const { control, audios } = page();
  control.start();
  assert.deepEqual(audios[0].log, ["unlock"]);
});

test("a call shows the stored turns of its conversation, page by page", async () => {
  const { control, store } = page({ stored: [1, 2, 3].map(storedTurn) });
  await control.start();
  assert.equal(store.state.call.stage, "open");
  assert.deepEqual(store.state.call.turns.map(({ number }) => number), [1, 2, 3]);
});

test("a new conversation asks for no stored turns", async () => {
  const { control, store } = page({ stored: [storedTurn(1)] });
  await control.start({ conversation: "new" });
  assert.deepEqual(store.state.call.turns, []);
});

test("the marks that the client sends show that the user is heard", async () => {
  const { control, store, calls } = page();
  await control.start();
  calls[0].report("status", { status: "connected", reason: "" });
  calls[0].report("frame", { direction: "sent", frame: { type: "speech_start" } });
  assert.equal(phaseOf(store.state.call), "hearing");
  calls[0].report("frame", { direction: "sent", frame: { type: "speech_end" } });
  assert.equal(phaseOf(store.state.call), "thinking");
});

test("the speaking ends when the last sound was played", async () => {
  const { control, store, calls, audios } = page();
  await control.start();
  audios[0].unplayed = 400;
  calls[0].report("audio", { turn: 1, pcm: new Uint8Array(2) });
  calls[0].report("turn-end", { turn: 1, cost_usd: 0, first_audio_ms: 1 });
  calls[0].report("audio-level", { input: 0, output: 0.5 });
  assert.equal(store.state.call.speakingTurn, 1);
  assert.equal(control.levels.output, 0.5);
  audios[0].unplayed = 0;
  calls[0].report("audio-level", { input: 0, output: 0 });
  assert.equal(store.state.call.speakingTurn, null);
});

test("a reloaded page returns to the session, the position and the unfinished captions", async () => {
  const before = page();
  await before.control.start();
  before.calls[0].report("transcript", { turn: 4, role: "model", text: "We are", final: false });
  const { startedAtMs } = before.store.state.call;
  before.control.keep({ withAudio: true });

  const reloaded = page({ storage: before.storage, stored: [storedTurn(3)] });
  assert.equal(reloaded.control.kept.mode, "voice");
  await reloaded.control.resume();
  const [{ session, resumeFrom }] = reloaded.requests;
  assert.deepEqual({ session, resumeFrom }, before.calls[0].resumptionWithAudio);
  reloaded.calls[0].report("transcript", { turn: 4, role: "model", text: " open", final: true });
  const { turns, startedAtMs: resumedAtMs } = reloaded.store.state.call;
  assert.equal(turns.at(-1).model[0].text, "We are open");
  assert.deepEqual(turns.map(({ number }) => number), [3, 4]);
  assert.equal(resumedAtMs, startedAtMs);
});

test("a call that was hung up is not there after a reload", async () => {
  const { control } = page();
  await control.start();
  control.keep();
  await control.hangUp();
  control.keep();
  assert.equal(control.kept, null);
});

test("a storage without room for the sound keeps the call without it", async () => {
  const storage = new FakeStorage();
  const { setItem } = storage;
  storage.setItem = (key, value) => {
    if (value.includes("AAAA")) throw new DOMException("full", "QuotaExceededError");
    setItem(key, value);
  };
  const { control, calls } = page({ storage });
  await control.start();
  control.keep({ withAudio: true });
  assert.deepEqual(control.kept.resumeFrom, calls[0].resumption.resumeFrom);
});

test("the rest of a reply that a reloaded page plays can be stopped", async () => {
  const { control, store, calls, audios } = page({ stored: [storedTurn(3)] });
  await control.start();
  audios[0].unplayed = 900;
  calls[0].report("audio-level", { input: 0, output: 0.5 });
  assert.equal(store.state.call.speakingTurn, 3);
  audios[0].unplayed = 0;
  calls[0].report("audio-level", { input: 0, output: 0 });
  assert.equal(store.state.call.speakingTurn, null);
});

test("hanging up ends the call on the page at once", async () => {
  const { control, store, calls } = page();
  await control.start();
  void control.hangUp();
  assert.equal(store.state.call.stage, "over");
  assert.deepEqual(calls[0].log, ["disconnect"]);
});

test("hanging up while the call opens gives up the opening", async () => {
  const made = page();
  const opening = made.control.start();
  await made.control.hangUp();
  assert.equal(made.requests[0].signal.aborted, true);
  await opening;
  assert.equal(made.store.state.call.stage, "over");
});

test("a kept call that cannot be read is none", () => {
  const storage = new FakeStorage();
  storage.setItem("repartee.call", "{");
  assert.equal(page({ storage }).control.kept, null);
});

test("a call that cannot open releases the microphone and says why", async () => {
  const failure = new CallError("connection_refused", "no connection opens");
  const { control, store, audios } = page({ failure });
  await control.start();
  assert.equal(store.state.call.stage, "over");
  assert.equal(store.state.call.problem.code, "connection_refused");
  assert.deepEqual(audios[0].log, ["unlock", "end"]);
});

test("a refused token signs the user out on the page", async () => {
  const { control, store } = page({ failure: new HttpProblem({ status: 401, message: "expired" }) });
  await control.start();
  assert.equal(store.state.isSignedIn, false);
  assert.equal(store.state.signInProblem, "expired");
});

test("a used-up limit is shown with its reset", async () => {
  const dailyLimit = { kind: "cost", limit: 5, resets_at_ms: 9 };
  const failure = new HttpProblem({ status: 429, code: "daily_limit_reached", message: "", dailyLimit });
  const { control, store } = page({ failure });
  await control.start();
  assert.deepEqual(store.state.call.limit, { kind: "cost", limit: 5, resetsAtMs: 9 });
});

test("a typed call goes on as a spoken one in the same session", async () => {
  const { control, store, calls, requests } = page();
  await control.start({ mode: "typed" });
  assert.equal(requests[0].audio, null);
  control.sendText("hello");
  calls[0].report("transcript", { turn: 1, role: "model", text: "Hi", final: true });
  await control.talk();
  assert.deepEqual(calls[0].log, ["text hello", "leave"]);
  assert.equal(requests[1].session, "S1");
  assert.equal(store.state.call.mode, "voice");
  assert.equal(store.state.call.turns.length, 1);
  calls[0].report("closed", { reason: "left" });
  assert.equal(store.state.call.stage, "open");
});

test("a call without a permitted microphone asks for it again", async () => {
  const { control, audios } = page();
  await control.start();
  await control.talk();
  assert.deepEqual(audios[0].log, ["unlock", "input "]);
});

test("a held key presses once", async () => {
  const { control, calls } = page();
  await control.start();
  for (const isPressed of [true, true, false, false]) control.setPressed(isPressed);
  assert.deepEqual(calls[0].log, ["press", "release"]);
});

test("what is typed while the call opens is shown at once, and sent when it is open", async () => {
  const { control, store, calls } = page();
  const opening = control.start({ mode: "typed" });
  control.sendText("hello");
  assert.equal(store.state.call.turns[0].user[0].text, "hello");
  await opening;
  assert.deepEqual(calls[0].log, ["text hello"]);
});

test("a typed text goes without the characters that the server refuses", async () => {
  const { control, store, calls } = page();
  await control.start({ mode: "typed" });
  control.sendText("a\u202eb");
  control.sendText("\u200b");
  assert.deepEqual(calls[0].log, ["text ab"]);
  assert.equal(store.state.call.turns.length, 1);
});

test("a second start gives up the first one", async () => {
  const { control, calls, audios } = page();
  const first = control.start();
  await control.start();
  await first;
  assert.equal(calls.length, 1);
  assert.deepEqual(audios[0].log, ["unlock", "end"]);
});

test("a call that was left stays left when the server confirms its end", async () => {
  const { control, store, calls } = page();
  await control.start();
  void control.hangUp();
  store.dispatch({ type: "left" });
  calls[0].report("transcript", { turn: 1, role: "model", text: "Bye", final: true });
  calls[0].report("closed", { reason: "bye" });
  assert.equal(store.state.call.stage, "idle");
  assert.deepEqual(store.state.call.turns, []);
});

test("the sound of before a reload is not kept again once the call is open", async () => {
  const before = page();
  await before.control.start();
  before.control.keep({ withAudio: true });
  const reloaded = page({ storage: before.storage });
  await reloaded.control.resume();
  assert.equal(reloaded.control.kept.resumeFrom.audio, undefined);
});

test("a kept call survives a server that does not answer, until it is refused", async () => {
  const { control, storage } = page();
  await control.start();
  const failures = [
    [new HttpProblem({ status: 0, code: "unreachable", message: "" }), true],
    [new HttpProblem({ status: 503, message: "" }), true],
    [new CallError("no_answer", ""), true],
    [new HttpProblem({ status: 404, message: "" }), false],
  ];
  for (const [failure, isKept] of failures) {
    const reloaded = page({ storage, failure });
    await reloaded.control.resume();
    assert.equal(reloaded.control.kept !== null, isKept, String(failure.status));
  }
});

test("an ended sign-in is not shown as an ended session", async () => {
  const failure = new HttpProblem({ status: 401, code: "session_ended", message: "Sign in again." });
  const { control, store } = page({ failure });
  await control.start();
  assert.equal(endingOf(store.state.call).title, "Your sign-in has ended");
});
