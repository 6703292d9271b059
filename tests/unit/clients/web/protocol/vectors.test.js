/** The client in JavaScript passes the vectors that the Python client passes. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { failures } from "./vectors.js";

const FOLDER = new URL("../../../../vectors/", import.meta.url);
const NAMES = readdirSync(FOLDER).filter(
  (name) => name.endsWith(".json") && name !== "schema.json",
);

function read(name) {
  return JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
}

for (const name of NAMES) {
  test(`the client does what ${name} says`, () => {
    assert.deepEqual(failures(read(name)), []);
  });
}

test("a wrong vector is noticed", () => {
  const vector = read("stop.json");
  vector.steps.find((step) => step.user).sends.shift();
  vector.steps.find((step) => step.receives).reports[0].type = "closed";

  const steps = failures(vector).map((line) => line.split(":")[0]);

  assert.deepEqual(steps, ["step 2", "step 4"]);
});
