import assert from "node:assert/strict";

import { FakeClock } from "./fake_clock.js";
import { FakeHttp } from "./fake_http.js";

import { connect } from "../../../../clients/web/site/repartee.js";

const FEATURES = ["marks_speech", "stop", "speech_heard"];

/** A server with one session: it gives tickets, opens sockets, and answers each `hello`. */
export class FakeServer {
  clock = new FakeClock();
  window = new EventTarget();
  /** The connections, the newest last. */
  sockets = [];
  /** Whether handshakes succeed; null leaves them without an answer. */
  accepts = true;
  /** Whether `hello` is answered. */
  answersHello = true;
  features = FEATURES;
  #seq = 0;

  constructor() {
    const server = this;
    this.http = new FakeHttp(() => this.ticket());
    this.WebSocket = class extends FakeSocket {
      constructor(url) {
        super(url, server);
        server.sockets.push(this);
      }
    };
  }

  ticket() {
    const url = `wss://ws.example.com/prod?ticket=secret-${this.http.requests.length}`;
    const ids = { session_id: "S", conversation_id: "C" };
    return { status: 201, json: { ...ids, ticket: "secret", url, features: this.features } };
  }

  connect(options = {}) {
    const { fetch } = this.http;
    const { clock, window, WebSocket } = this;
    const opening = connect(
      "https://api.example.com",
      { token: "token", ...options },
      { fetch, clock, window, WebSocket },
    );
    opening.catch(() => {});
    return opening;
  }

  /** Returns a call with the list of its events as `[name, detail]`. */
  async talk(options = {}) {
    const call = await this.connect(options);
    const events = [];
    for (const name of EVENTS) {
      call.addEventListener(name, ({ detail }) => events.push([name, detail]));
    }
    await this.clock.advance(0);
    return { call, events };
  }

  get socket() {
    return this.sockets.at(-1);
  }

  /** The messages that the newest connection got. */
  get got() {
    return this.socket.got;
  }

  /** Sends a worker's frame. */
  frame(type, members = {}) {
    this.#seq += 1;
    this.socket.deliver({ type, ...members, epoch: 1, seq: this.#seq });
  }

  /** Sends an answer of the message function. */
  answer(type, members = {}) {
    this.socket.deliver({ type, ...members });
  }

  accept(through) {
    this.frame("accepted", { through });
  }

  refuse(code, members = {}) {
    const fields = { message: `about ${code}`, retryable: false, field: "", ...members };
    this.answer("error", { code, ...fields });
  }
}

const EVENTS = [
  ...["status", "ready", "transcript", "audio", "audio-level", "interrupted", "tool"],
  ...["turn-restarted", "reply-lost", "turn-end", "no-speech", "speech-heard", "limit-reached"],
  ...["microphone", "error", "closed", "frame"],
];

class FakeSocket {
  got = [];
  readyState = 0;
  #server;

  constructor(url, server) {
    this.url = url;
    this.#server = server;
    void this.#handshake();
  }

  async #handshake() {
    await null;
    if (this.#server.accepts === true) {
      this.readyState = 1;
      this.onopen?.();
    } else if (this.#server.accepts === false) {
      this.drop();
    }
  }

  get isOpen() {
    return this.readyState === 1;
  }

  send(text) {
    assert.equal(this.readyState, 1, "the socket takes no message");
    const message = JSON.parse(text);
    this.got.push(message);
    if (message.type === "hello" && this.#server.answersHello) {
      queueMicrotask(() => this.deliver(ready(message.seq + 1, this.#server.features)));
    } else if (message.type === "ping" && this.#server.answersHello) {
      queueMicrotask(() => this.deliver({ type: "pong", served: true }));
    }
  }

  deliver(message) {
    const data = typeof message === "object" ? JSON.stringify(message) : message;
    this.onmessage?.({ data });
  }

  drop(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  close(code) {
    this.readyState = 2;
    this.closedWith = code;
  }
}

function ready(nextSeq, features) {
  return {
    type: "ready",
    session_id: "S",
    conversation_id: "C",
    chunk_ms: 200,
    grace_s: 30,
    features,
    next_seq: nextSeq,
    output_kept: true,
  };
}

/** An audio port whose microphone and speaker are the test. */
export class FakeAudio {
  marksSpeech = true;
  listener = null;
  leftMs = 0;
  did = [];

  start(listener) {
    this.listener = listener;
    return Promise.resolve();
  }

  play(pcm) {
    assert.ok(this.listener, "nothing is played before `start`");
    this.leftMs += pcm.length / 48;
    this.did.push("play");
  }

  stop() {
    this.leftMs = 0;
    this.did.push("stop");
  }

  unplayedMs() {
    return this.leftMs;
  }

  duck(isDucked) {
    this.did.push(isDucked ? "duck" : "restore");
  }

  setMuted(isMuted) {
    this.did.push(isMuted ? "mute" : "unmute");
  }

  end() {
    this.did.push("end");
    return Promise.resolve();
  }
}

/** Returns the events with this name. */
export function named(events, name) {
  return events.filter(([other]) => other === name).map(([, detail]) => detail);
}
