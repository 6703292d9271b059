import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { SignIn, SignInError } from "../../../../../clients/web/site/page/sign_in.js";
import { FakeBrowser, jwt } from "./fake_browser.js";

const PAGE = "https://talk.example/";
const SETTINGS = {
  authorize_url: "https://issuer.example/authorize?policy=a",
  token_url: "https://issuer.example/token",
  sign_out_url: "https://issuer.example/logout",
  client_id: "the-client",
  audience: null,
  scope: "openid email",
};
const LIFE_S = 3_600;

function access(more = {}) {
  return jwt({ sub: "u1", client_id: "the-client", iat: 1_000, exp: 1_000 + LIFE_S, ...more });
}

function tokens(more = {}) {
  const identity = jwt({ sub: "u1", aud: "the-client", email: "zoë@example.com" });
  return { access_token: access(), id_token: identity, refresh_token: "refresh-1", ...more };
}

/** Begins at `href`, comes back with `answer`, and returns the result of `complete`. */
async function cameBack(browser, answer, { settings = SETTINGS, json } = {}) {
  const signIn = new SignIn(settings, browser);
  await signIn.begin();
  const query = browser.visited.at(-1).searchParams;
  const fields = new URLSearchParams({ state: query.get("state"), ...answer });
  browser.location.href = `${query.get("redirect_uri")}?${fields}`;
  if (json !== undefined) {
    const nonce = query.get("nonce");
    browser.answers.push({ json: typeof json === "function" ? json(nonce) : json });
  }
  // The page was loaded again.
  const later = new SignIn(settings, browser);
  return { signIn: later, isSignedIn: await later.complete() };
}

function withNonce(more) {
  return (nonce) => {
    const identity = { sub: "u1", aud: "the-client", email: "zoë@example.com", nonce };
    return tokens({ id_token: jwt(identity), ...more });
  };
}

async function signedIn(more, settings) {
  const browser = new FakeBrowser(PAGE);
  const { signIn } = await cameBack(browser, { code: "c1" }, { settings, json: withNonce(more) });
  browser.requests.length = 0;
  return { browser, signIn };
}

function failsWith(code) {
  return (error) => {
    assert.ok(error instanceof SignInError, String(error));
    assert.equal(error.code, code);
    return true;
  };
}

test("signing in leaves for the issuer with a challenge, and comes back with tokens", async () => {
  const browser = new FakeBrowser(`${PAGE}?panel=notes#turn-3`);
  const result = await cameBack(browser, { code: "c1" }, { json: withNonce() });

  assert.equal(result.isSignedIn, true);
  const [left] = browser.visited;
  const query = Object.fromEntries(left.searchParams);
  assert.equal(`${left.origin}${left.pathname}`, "https://issuer.example/authorize");
  assert.deepEqual(
    [query.policy, query.response_type, query.client_id, query.scope, query.redirect_uri],
    ["a", "code", "the-client", "openid email", PAGE],
  );
  for (const name of ["prompt", "audience"]) {
    assert.equal(name in query, false);
  }
  const [{ url, form, init }] = browser.requests;
  assert.equal(url, "https://issuer.example/token");
  const { code_verifier: verifier, ...fields } = form;
  assert.deepEqual(fields, {
    grant_type: "authorization_code",
    code: "c1",
    client_id: "the-client",
    redirect_uri: PAGE,
  });
  assert.equal(createHash("sha256").update(verifier).digest("base64url"), query.code_challenge);
  assert.equal(query.code_challenge_method, "S256");
  assert.deepEqual(
    [init.credentials, init.redirect, init.referrerPolicy],
    ["omit", "error", "no-referrer"],
  );
  assert.equal(browser.location.href, `${PAGE}?panel=notes#turn-3`);
  assert.deepEqual(browser.history.state, { scroll: 7 });
  assert.equal(result.signIn.user, "zoë@example.com");
  assert.equal(await result.signIn.token(), access());
});

test("another user is asked for, or named", async () => {
  const browser = new FakeBrowser(PAGE);
  await new SignIn(SETTINGS, browser).begin({ another: true });
  await new SignIn(SETTINGS, browser).begin();

  const [asked, again] = browser.visited.map((url) => url.searchParams);
  assert.equal(asked.get("prompt"), "login");
  for (const name of ["state", "nonce", "code_challenge"]) {
    assert.notEqual(asked.get(name), again.get(name));
  }
});

test("a page without an answer stays signed out and keeps its address", async () => {
  for (const query of ["?code=5", "?state=5", "?error=404", ""]) {
    const browser = new FakeBrowser(`${PAGE}${query}`);
    const signIn = new SignIn(SETTINGS, browser);

    assert.equal(await signIn.complete(), false);

    assert.equal(browser.location.href, `${PAGE}${query}`);
    assert.deepEqual([signIn.isSignedIn, signIn.user], [false, null]);
    await assert.rejects(signIn.token(), failsWith("signed_out"));
  }
});

test("an answer that this tab did not ask for is not used, and leaves the address", async () => {
  for (const isStarted of [false, true]) {
    const browser = new FakeBrowser(PAGE);
    const signIn = new SignIn(SETTINGS, browser);
    if (isStarted) {
      await signIn.begin();
    }
    browser.location.href = `${PAGE}?code=of-another&state=of-another&panel=notes`;

    await assert.rejects(signIn.complete(), failsWith("state_mismatch"));

    assert.equal(browser.location.href, `${PAGE}?panel=notes`);
    assert.deepEqual([browser.requests, signIn.isSignedIn], [[], false]);
  }
});

test("an ID token of another sign-in is refused", async () => {
  const browser = new FakeBrowser(PAGE);

  await assert.rejects(
    cameBack(browser, { code: "c1" }, { json: withNonce({ id_token: jwt({ nonce: "other" }) }) }),
    failsWith("state_mismatch"),
  );
  assert.equal(new SignIn(SETTINGS, browser).isSignedIn, false);
});

for (const [answer, code, detail] of [
  [{ error: "access_denied", error_description: "<b>" }, "access_denied", ""],
  [{ error: "invalid_scope" }, "refused", "(invalid_scope)"],
  [{ error: "<b>Call 555</b>" }, "refused", ""],
]) {
  test(`the issuer's answer ${answer.error} is explained as ${code}`, async () => {
    const browser = new FakeBrowser(PAGE);

    await assert.rejects(cameBack(browser, answer), (error) => {
      assert.ok(error.message.endsWith(detail) && !error.message.includes("<"), error.message);
      return failsWith(code)(error);
    });
    assert.equal(browser.location.href, PAGE);
  });
}

for (const [answer, code] of [
  [{ status: 400, json: { error: "invalid_grant" } }, "code_expired"],
  [{ status: 400, json: { error: "invalid_client" } }, "refused"],
  [{ status: 403, text: "<html>" }, "refused"],
  [{ status: 503, text: "" }, "issuer_unreachable"],
  [{ status: 429, text: "" }, "issuer_unreachable"],
  [{ text: "<html>" }, "bad_answer"],
  [{ json: {} }, "bad_answer"],
  [undefined, "issuer_unreachable"],
]) {
  test(`a code with the answer ${JSON.stringify(answer)} gives ${code}`, async () => {
    const browser = new FakeBrowser(PAGE);
    browser.answers.push(answer);

    await assert.rejects(cameBack(browser, { code: "c1" }), failsWith(code));

    assert.equal(browser.location.href, PAGE);
    // A reload does not send the code again.
    assert.equal(await new SignIn(SETTINGS, browser).complete(), false);
  });
}

for (const [name, audience, more, expected] of [
  ["an access token of Cognito", null, {}, "access_token"],
  ["an opaque access token", null, { access_token: "opaque" }, "id_token"],
  ["an access token for other APIs", null, { access_token: access({ aud: "graph" }) }, "id_token"],
  ["several audiences", "api", { access_token: access({ aud: ["user", "api"] }) }, "access_token"],
  ["an audience that is the client", "the-client", {}, "access_token"],
  ["an audience of its own", "api", {}, null],
]) {
  test(`the token for the API is chosen from ${name}`, async () => {
    const settings = { ...SETTINGS, audience };
    const browser = new FakeBrowser(PAGE);
    const coming = cameBack(browser, { code: "c1" }, { settings, json: withNonce(more) });
    if (expected === null) {
      await assert.rejects(coming, failsWith("wrong_audience"));
      return;
    }
    const { signIn } = await coming;
    const isAccess = (await signIn.token()) === (more.access_token ?? access());
    assert.equal(isAccess, expected === "access_token");
    assert.equal(browser.visited[0].searchParams.get("audience"), audience === "the-client" ? null : audience);
  });
}

test("a token is refreshed before it ends, once for all who ask", async () => {
  const { browser, signIn } = await signedIn();
  browser.atMs += (LIFE_S - 61) * 1_000;
  assert.equal(await signIn.token(), access());
  assert.deepEqual(browser.requests, []);

  browser.atMs += 2_000;
  const next = access({ jti: "2" });
  browser.answers.push({ json: { access_token: next } });
  assert.deepEqual(await Promise.all([signIn.token(), signIn.token()]), [next, next]);

  assert.deepEqual(
    browser.requests.map(({ form }) => form),
    [{ grant_type: "refresh_token", refresh_token: "refresh-1", client_id: "the-client" }],
  );
  assert.equal(signIn.user, "zoë@example.com");
});

test("a refresh token is replaced if the issuer gives a new one, and kept otherwise", async () => {
  const { browser, signIn } = await signedIn();
  browser.answers.push({ json: tokens({ refresh_token: undefined }) });
  browser.answers.push({ json: tokens({ refresh_token: "refresh-2" }) });
  browser.answers.push({ json: tokens() });
  for (let count = 0; count < 3; count += 1) {
    await signIn.token({ isRefused: true });
  }
  const used = browser.requests.map(({ form }) => form.refresh_token);
  assert.deepEqual(used, ["refresh-1", "refresh-1", "refresh-2"]);
});

test("a refused refresh signs out", async () => {
  const { browser, signIn } = await signedIn();
  browser.atMs += LIFE_S * 1_000;
  browser.answers.push({ status: 400, json: { error: "invalid_grant" } });

  await assert.rejects(signIn.token(), (error) => {
    assert.equal(error.status, 401);
    return failsWith("session_ended")(error);
  });

  assert.equal(signIn.isSignedIn, false);
  await assert.rejects(signIn.token(), failsWith("signed_out"));
});

test("without an answer of the issuer the token is used until its end", async () => {
  const { browser, signIn } = await signedIn();
  browser.atMs += (LIFE_S - 30) * 1_000;
  assert.equal(await signIn.token(), access());
  browser.atMs += 30_000;
  await assert.rejects(signIn.token(), failsWith("issuer_unreachable"));

  browser.answers.push({ json: tokens() });
  assert.equal(await signIn.token(), access());
});

test("without a refresh token the sign-in ends with the token", async () => {
  const { browser, signIn } = await signedIn({ refresh_token: undefined });
  browser.atMs += (LIFE_S - 1) * 1_000;
  assert.equal(await signIn.token(), access());
  browser.atMs += 1_000;
  await assert.rejects(signIn.token(), failsWith("session_ended"));
  assert.deepEqual([signIn.isSignedIn, browser.requests], [false, []]);
});

test("a clock that is set back ends no sign-in and keeps no old token", async () => {
  const { browser, signIn } = await signedIn();
  browser.atMs -= 86_400_000;
  const next = access({ jti: "2" });
  browser.answers.push({ json: tokens({ access_token: next }) });
  assert.equal(await signIn.token(), next);
  assert.equal(await signIn.token(), next);
});

test("signing out forgets the tokens, and a running refresh brings none back", async () => {
  const { browser, signIn } = await signedIn();
  let answer = (_value) => {};
  browser.answers.push(new Promise((resolve) => (answer = resolve)));
  const refreshed = signIn.token({ isRefused: true });

  signIn.signOut();
  answer({ json: tokens() });

  await assert.rejects(refreshed, failsWith("signed_out"));
  assert.equal(signIn.isSignedIn, false);
  const left = browser.visited.at(-1);
  assert.equal(`${left.origin}${left.pathname}`, "https://issuer.example/logout");
  assert.deepEqual(Object.fromEntries(left.searchParams), {
    client_id: "the-client",
    logout_uri: PAGE,
    post_logout_redirect_uri: PAGE,
  });
});

test("signing out without a sign-out page stays on the page", async () => {
  const { browser, signIn } = await signedIn({}, { ...SETTINGS, sign_out_url: null });
  browser.visited.length = 0;
  signIn.signOut();
  assert.deepEqual([browser.visited, signIn.isSignedIn], [[], false]);
  assert.deepEqual([...browser.stored], [], "no token and no verifier is left");
});

test("a page that cannot sign in says why, and leaves for nowhere", async () => {
  const insecure = new FakeBrowser("http://talk.example/");
  insecure.crypto = { getRandomValues: (array) => array };
  await assert.rejects(new SignIn(SETTINGS, insecure).begin(), failsWith("insecure_page"));

  const blocked = new FakeBrowser(PAGE);
  blocked.isStorageBlocked = true;
  const signIn = new SignIn(SETTINGS, blocked);
  await assert.rejects(signIn.begin(), failsWith("storage_blocked"));
  assert.equal(signIn.isSignedIn, false);

  assert.deepEqual([...insecure.visited, ...blocked.visited], []);
});
