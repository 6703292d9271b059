/** Answers `fetch` with the given answers, one after the other, and repeats the last one. */
export class FakeHttp {
  requests = [];
  #answers;

  /** @param {...object} answers `status`, `json` or `text`, `headers`; or `fails`, or `hangs` */
  constructor(...answers) {
    this.#answers = answers;
    this.fetch = (url, init) => this.#fetch(url, init);
  }

  /** Replaces the answers that are left. */
  answer(...answers) {
    this.#answers = answers;
  }

  #fetch(url, init) {
    const { method, headers, body, signal } = init;
    this.requests.push({ method, url: String(url), headers, json: body && JSON.parse(body), init });
    const next = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    const answer = typeof next === "function" ? next(this.requests.at(-1)) : next;
    if (answer.fails) {
      return Promise.reject(new TypeError("Failed to fetch"));
    }
    if (answer.hangs) {
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    }
    const { status = 200, json, text = JSON.stringify(json), headers: fields } = answer;
    return Promise.resolve(new Response(status === 204 ? null : text, { status, headers: fields }));
  }
}

/** Returns the answer of the HTTP API for a problem. */
export function problem(status, code, { headers, ...members } = {}) {
  return { status, json: { code, message: `about ${code}`, ...members }, headers };
}
