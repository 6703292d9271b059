import assert from "node:assert/strict";
import { test } from "node:test";
import { fetchFiles } from "../../../../../../clients/web/site/page/loading/fetch_files.js";

const FILES = Array.from({ length: 40 }, (_, number) => `web/1/${number}.js`);

/** A server that answers later, and counts the requests that it has at once. */
class Server {
  requests = [];
  mostAtOnce = 0;
  pausesMs = [];
  #answer;
  #now = 0;

  constructor(answer = () => new Response("")) {
    this.#answer = answer;
    this.fetch = async (address) => {
      this.requests.push(address);
      this.#now += 1;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#now);
      await new Promise(setImmediate);
      this.#now -= 1;
      return this.#answer(address);
    };
    this.pause = async (ms) => void this.pausesMs.push(ms);
  }
}

test("each file is asked for once, eight at a time", async () => {
  const server = new Server();
  await fetchFiles(FILES, server);
  assert.deepEqual(server.requests.toSorted(), FILES.toSorted());
  assert.equal(server.mostAtOnce, 8);
});

test("a refused file is asked for again, later each time", async () => {
  let refusals = 2;
  const busy = () => new Response("", { status: (refusals -= 1) >= 0 ? 503 : 200 });
  const server = new Server(busy);
  await fetchFiles(["web/1/main.js"], server);
  assert.equal(server.requests.length, 3);
  assert.deepEqual(server.pausesMs, [300, 600]);
});

test("a file that cannot be fetched keeps no other from being fetched", async () => {
  const server = new Server((address) => {
    if (address === FILES[0]) throw new TypeError("Failed to fetch");
    return new Response("", { status: address === FILES[1] ? 404 : 200 });
  });
  await fetchFiles(FILES, server);
  assert.equal(server.requests.filter((address) => address === FILES[0]).length, 4);
  assert.equal(server.requests.filter((address) => address === FILES[1]).length, 1);
  assert.equal(new Set(server.requests).size, FILES.length);
});
