import assert from "node:assert/strict";
import { test } from "node:test";
import { PagedList } from "../../../../../../clients/web/site/page/panels/paged_list.js";

/** A list over pages that the test answers by hand. */
function listed() {
  const requests = [];
  const load = (after) =>
    new Promise((resolve, reject) => requests.push({ after, resolve, reject }));
  return { list: new PagedList(load), requests };
}

test("pages are loaded one after the other, until there are no more", async () => {
  const { list, requests } = listed();
  const first = list.reload();
  assert.equal(list.status, "loading");
  requests[0].resolve({ items: ["a", "b"], nextAfter: "cursor" });
  await first;
  assert.deepEqual([list.status, list.items, list.hasMore], ["ready", ["a", "b"], true]);
  assert.equal(list.isBeyondFirst, false);
  const second = list.loadMore();
  assert.equal(requests[1].after, "cursor");
  requests[1].resolve({ items: ["c"], nextAfter: null });
  await second;
  assert.deepEqual([list.items, list.hasMore], [["a", "b", "c"], false]);
  assert.equal(list.isBeyondFirst, true);
  await list.loadMore();
  assert.equal(requests.length, 2);
});

test("a second click does not load the next page twice", async () => {
  const { list, requests } = listed();
  const first = list.reload();
  requests[0].resolve({ items: ["a"], nextAfter: "cursor" });
  await first;
  void list.loadMore();
  void list.loadMore();
  assert.equal(requests.length, 2);
});

test("a failed page keeps the entries, and a retry asks for the same page", async () => {
  const { list, requests } = listed();
  const first = list.reload();
  requests[0].resolve({ items: ["a"], nextAfter: "cursor" });
  await first;
  const more = list.loadMore();
  requests[1].reject(new Error("a table failed"));
  await more;
  assert.deepEqual([list.status, list.items, list.error.message], [
    "failed", ["a"], "a table failed",
  ]);
  const retry = list.retry();
  assert.equal(requests[2].after, "cursor");
  requests[2].resolve({ items: ["b"], nextAfter: null });
  await retry;
  assert.deepEqual([list.status, list.items, list.error], ["ready", ["a", "b"], null]);
});

test("a failed reload is repeated as a reload", async () => {
  const { list, requests } = listed();
  const first = list.reload();
  requests[0].resolve({ items: ["a"], nextAfter: "cursor" });
  await first;
  const reload = list.reload();
  requests[1].reject(new Error("a table failed"));
  await reload;
  const retry = list.retry();
  assert.equal(requests[2].after, undefined);
  requests[2].resolve({ items: ["new"], nextAfter: null });
  await retry;
  assert.deepEqual([list.items, list.hasMore], [["new"], false]);
});

test("an answer that a later reload has overtaken is ignored", async () => {
  const { list, requests } = listed();
  const first = list.reload();
  const second = list.reload();
  requests[1].resolve({ items: ["new"], nextAfter: null });
  await second;
  requests[0].resolve({ items: ["old"], nextAfter: "cursor" });
  await first;
  assert.deepEqual([list.items, list.hasMore], [["new"], false]);
});

test("a closed list stays as it is", async () => {
  const { list, requests } = listed();
  const first = list.reload();
  list.close();
  requests[0].resolve({ items: ["a"], nextAfter: null });
  await first;
  assert.deepEqual(list.items, []);
});

test("a deleted entry is removed", async () => {
  let changes = 0;
  const list = new PagedList(
    async () => ({ items: ["a", "b"], nextAfter: null }), () => (changes += 1),
  );
  await list.reload();
  assert.equal(changes, 2);
  list.remove((item) => item === "a");
  assert.deepEqual([list.items, changes], [["b"], 3]);
});
