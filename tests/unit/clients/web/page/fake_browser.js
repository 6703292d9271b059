import { webcrypto } from "node:crypto";

/** One tab: an address, a history, a storage, a clock, and an issuer's answers in order. */
export class FakeBrowser {
  visited = [];
  requests = [];
  answers = [];
  stored = new Map();
  atMs = 1_800_000_000_000;
  isStorageBlocked = false;

  constructor(href) {
    this.location = { href, assign: (url) => this.visited.push(new URL(url)) };
    this.history = {
      state: { scroll: 7 },
      replaceState: (state, _title, url) => {
        this.history.state = state;
        this.location.href = String(new URL(url, this.location.href));
      },
    };
    this.crypto = webcrypto;
  }

  storage = () => {
    if (this.isStorageBlocked) {
      throw new DOMException("The operation is insecure.", "SecurityError");
    }
    return {
      getItem: (key) => this.stored.get(key) ?? null,
      setItem: (key, value) => this.stored.set(key, value),
      removeItem: (key) => this.stored.delete(key),
    };
  };

  nowMs = () => this.atMs;

  fetch = async (url, init) => {
    this.requests.push({ url, init, form: Object.fromEntries(init.body) });
    const answer = await this.answers.shift();
    if (answer === undefined) {
      throw new TypeError("Failed to fetch");
    }
    const { status = 200, json, text = JSON.stringify(json) } = answer;
    return new Response(text, { status });
  };
}

/** Returns a JWT with these claims and no valid signature. */
export function jwt(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.c2ln`;
}
