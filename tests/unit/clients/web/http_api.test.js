import assert from "node:assert/strict";
import { test } from "node:test";

import { CallError, HttpProblem } from "../../../../clients/web/site/repartee/errors.js";
import { HttpApi } from "../../../../clients/web/site/repartee/http_api.js";
import { Timers } from "../../../../clients/web/site/repartee/timers.js";
import { FakeClock } from "./fake_clock.js";
import { FakeHttp, problem } from "./fake_http.js";

const URL_OF_API = "https://api.example.com/";
const TOKEN = "secret-token";

function apiWith(http, token = TOKEN) {
  const clock = new FakeClock();
  const api = new HttpApi(URL_OF_API, token, { fetch: http.fetch, timers: new Timers(clock) });
  return { api, clock };
}

test("a request carries the token, and neither cookies nor a referrer", async () => {
  const http = new FakeHttp({ json: { turns: 1 } });

  assert.deepEqual(await apiWith(http).api.usage({ days: 7 }), { turns: 1 });

  const [{ url, headers, init }] = http.requests;
  assert.equal(url, "https://api.example.com/me/usage?days=7");
  assert.equal(headers.Authorization, `Bearer ${TOKEN}`);
  const { credentials, redirect, referrerPolicy, cache } = init;
  assert.deepEqual([credentials, redirect, referrerPolicy], ["omit", "error", "no-referrer"]);
  assert.equal(cache, "no-store");
});

for (const [wish, body] of [
  [undefined, {}],
  [{ conversation: "new" }, { conversation_id: "new" }],
  [{ conversation: "C", session: "S" }, { session_id: "S" }],
]) {
  test(`a ticket is requested with ${JSON.stringify(body)}`, async () => {
    const http = new FakeHttp({ status: 201, json: { ticket: "T" } });
    assert.deepEqual(await apiWith(http).api.createSession(wish), { ticket: "T" });
    assert.deepEqual(http.requests[0].json, body);
    assert.equal(http.requests[0].headers["Content-Type"], "application/json");
  });
}

test("a token function is asked before each request", async () => {
  const http = new FakeHttp({ json: {} });
  let count = 0;
  const { api } = apiWith(http, async () => `token-${(count += 1)}`);
  await api.preferences();
  await api.preferences();
  const sent = http.requests.map(({ headers }) => headers.Authorization);
  assert.deepEqual(sent, ["Bearer token-1", "Bearer token-2"]);
});

test("a refused token is replaced once, and its function knows that it was refused", async () => {
  const http = new FakeHttp({ status: 401, json: { message: "Unauthorized" } }, { json: {} });
  const states = [];
  const { api } = apiWith(http, (state) => {
    states.push(state.isRefused);
    return `token-${states.length}`;
  });

  await api.setPreferences({ language: "es-US" });

  assert.deepEqual(states, [false, true]);
  assert.deepEqual(http.requests[1].json, { language: "es-US" });
  assert.equal(http.requests[1].headers.Authorization, "Bearer token-2");
});

test("a token that is refused twice, or cannot change, is a problem", async () => {
  for (const [token, requests] of [[() => TOKEN, 2], [TOKEN, 1]]) {
    const http = new FakeHttp({ status: 401, json: { message: "Unauthorized" } });
    const failure = apiWith(http, token).api.usage();
    await assert.rejects(failure, { name: "HttpProblem", status: 401, message: "Unauthorized" });
    assert.equal(http.requests.length, requests);
  }
});

test("an error of the token function is passed on, and it is not called again", async () => {
  let count = 0;
  const { api } = apiWith(new FakeHttp({ json: {} }), () => {
    count += 1;
    throw new HttpProblem({ status: 401, code: "signed_out", message: "sign in" });
  });
  await assert.rejects(api.usage(), { code: "signed_out" });
  assert.equal(count, 1);
});

for (const token of ["", "a b", "line\n", null, () => undefined]) {
  test(`the token ${JSON.stringify(token)} is refused before it is sent`, async () => {
    const http = new FakeHttp({ json: {} });
    await assert.rejects(apiWith(http, token).api.usage(), (error) => {
      return error instanceof TypeError && /visible ASCII/.test(error.message);
    });
    assert.equal(http.requests.length, 0);
  });
}

test("no error contains the token", async () => {
  for (const answer of [{ fails: true }, problem(500, "internal_error"), { text: "<html>" }]) {
    const error = await apiWith(new FakeHttp(answer)).api.usage().catch((reason) => reason);
    assert.ok(error instanceof HttpProblem);
    assert.ok(!JSON.stringify([error, error.message, error.stack]).includes(TOKEN));
  }
});

test("a problem has the server's status, code, message, field and waiting time", async () => {
  const http = new FakeHttp(
    problem(422, "invalid_request", { field: "voice", headers: { "Retry-After": "3" } }),
  );
  await assert.rejects(apiWith(http).api.setPreferences({ voice: "?" }), {
    status: 422,
    code: "invalid_request",
    message: "about invalid_request",
    field: "voice",
    retryAfterS: 3,
    dailyLimit: null,
  });
});

test("a daily limit has the members of the frame limit_reached", async () => {
  const http = new FakeHttp(
    problem(429, "daily_limit_reached", {
      kind: "cost",
      limit: 5,
      resets_at: "2026-11-21T00:00:00.000Z",
    }),
  );
  const error = await apiWith(http).api.createSession().catch((reason) => reason);
  assert.deepEqual(error.dailyLimit, {
    kind: "cost",
    limit: 5,
    resets_at_ms: Date.UTC(2026, 10, 21),
  });
});

test("a gateway's answer without a code and a body that is not JSON are problems too", async () => {
  const http = new FakeHttp({ status: 503, json: { message: "Service Unavailable" } });
  await assert.rejects(apiWith(http).api.usage(), { message: "Service Unavailable", code: "" });
  http.answer({ status: 502, text: "<html>" });
  await assert.rejects(apiWith(http).api.usage(), { message: /answered with HTTP 502/ });
  http.answer({ text: "<html>" });
  await assert.rejects(apiWith(http).api.usage(), {
    code: "bad_answer",
    message: /is it the address of the HTTP API/,
  });
});

test("a server that cannot be reached is a problem with status 0 and advice", async () => {
  const failure = apiWith(new FakeHttp({ fails: true })).api.usage();
  await assert.rejects(failure, { status: 0, code: "unreachable", message: /AllowedOrigins/ });
});

test("a request ends after 30 s without an answer, or when its signal says so", async () => {
  const http = new FakeHttp({ hangs: true });
  const { api, clock } = apiWith(http);
  const late = assert.rejects(api.usage(), { code: "unreachable", message: /no answer in 30 s/ });
  await clock.advance(30_000);
  await late;

  const controller = new AbortController();
  const aborted = assert.rejects(api.usage({ signal: controller.signal }), { name: "AbortError" });
  await clock.advance(0);
  controller.abort();
  await aborted;
});

test("lists come in pages, which name the place of the next one", async () => {
  const http = new FakeHttp({ json: { conversations: [{ title: "a" }], next_after: "x+y" } });
  const { api } = apiWith(http);
  const page = await api.conversations({ limit: 1 });
  assert.deepEqual(page, { items: [{ title: "a" }], nextAfter: "x+y" });

  http.answer({ json: { conversations: [], next_after: null } });
  await api.conversations({ limit: 1, after: page.nextAfter });

  const [first, second] = http.requests.map(({ url }) => url.split("/").at(-1));
  assert.deepEqual([first, second], ["conversations?limit=1", "conversations?limit=1&after=x%2By"]);

  http.answer({ json: { turns: [{ number: 1 }], next_after: 1 } });
  assert.deepEqual(await api.turns("a/b"), { items: [{ number: 1 }], nextAfter: 1 });
  assert.equal(http.requests[2].url, "https://api.example.com/conversations/a%2Fb/turns");

  http.answer({ json: { notes: [], next_after: null } });
  assert.deepEqual(await api.notes(), { items: [], nextAfter: null });
});

test("a note is deleted without an answer to read", async () => {
  const http = new FakeHttp({ status: 204 });
  assert.equal(await apiWith(http).api.deleteNote("N"), undefined);
  assert.equal(http.requests[0].url, "https://api.example.com/me/notes/N");
});

test("an erasure is requested again until it is finished, and reports its progress", async () => {
  const http = new FakeHttp(
    { status: 202, json: { finished: false, deleted: { turns: 3 } } },
    problem(409, "erasure_under_way", { headers: { "Retry-After": "5" } }),
    { json: { finished: true, deleted: { turns: 9 } } },
  );
  const { api, clock } = apiWith(http);
  const counts = [];
  const erasure = api.deleteConversation("C", {
    onProgress: ({ deleted }) => counts.push(deleted.turns),
  });

  await clock.advance(1_999);
  assert.equal(http.requests.length, 1);
  await clock.advance(1);
  assert.equal(http.requests.length, 2);
  await clock.advance(5_000);

  assert.equal((await erasure).finished, true);
  assert.deepEqual(counts, [3, 9]);
  assert.deepEqual([...new Set(http.requests.map(({ method }) => method))], ["DELETE"]);
});

test("an erasure ends with another problem, and can be given up", async () => {
  const http = new FakeHttp(problem(404, "conversation_unknown"));
  await assert.rejects(apiWith(http).api.erase(), { code: "conversation_unknown" });

  http.answer({ status: 202, json: { finished: false, deleted: {} } });
  const controller = new AbortController();
  const { api, clock } = apiWith(http);
  const given = assert.rejects(api.erase({ signal: controller.signal }), { name: "AbortError" });
  await clock.advance(10);
  controller.abort();
  await given;
});

test("the pages of an export become one document", async () => {
  const conversation = (id, continued, numbers, summary = null) => ({
    conversation_id: id,
    continued,
    calls: numbers.map((turn) => ({ turn })),
    turns: numbers.map((number) => ({ number })),
    summary,
  });
  const http = new FakeHttp(
    {
      json: {
        version: 1,
        account: { notes: [] },
        tool_records: [1],
        conversations: [conversation("A", false, [1, 2])],
        next_after: "p2",
      },
    },
    {
      json: {
        version: 1,
        account: null,
        tool_records: [2],
        conversations: [conversation("A", true, [3], "end"), conversation("B", false, [1])],
        next_after: null,
      },
    },
  );

  assert.deepEqual(await apiWith(http).api.exportAll(), {
    version: 1,
    account: { notes: [] },
    tool_records: [1, 2],
    conversations: [conversation("A", false, [1, 2, 3], "end"), conversation("B", false, [1])],
  });
  assert.deepEqual(
    http.requests.map(({ url }) => url.split("/me/").at(-1)),
    ["export", "export?after=p2"],
  );
});

for (const url of ["http://api.example.com", "ftp://a.example", "no address", "http://10.0.0.1"]) {
  test(`the address ${url} is refused`, () => {
    assert.throws(() => new HttpApi(url, TOKEN), (error) => {
      return error instanceof CallError && error.code === "invalid_url";
    });
  });
}

for (const url of ["http://127.0.0.1:80", "http://localhost", "http://[::1]:1", "https://a.b/c/"]) {
  test(`the address ${url} is accepted`, () => {
    assert.ok(new HttpApi(url, TOKEN));
  });
}
