import assert from "node:assert/strict";
import { test } from "node:test";

import {
  displacement,
  follow,
  heightOf,
} from "../../../../../../clients/web/site/page/call/voice_curve.js";

const PLACES = Array.from({ length: 201 }, (_, at) => at / 200);
const TIMES = Array.from({ length: 50 }, (_, at) => at * 0.37);

test("the strings have fixed ends and stay within the height", () => {
  for (const side of ["user", "model"]) {
    for (const atS of TIMES) {
      assert.ok(Math.abs(displacement(side, 0, atS)) < 1e-6);
      assert.ok(Math.abs(displacement(side, 1, atS)) < 1e-6);
      for (const place of PLACES) assert.ok(Math.abs(displacement(side, place, atS)) <= 1);
    }
  }
});

test("the noise of a room does not move the line", () => {
  assert.equal(heightOf(0.3), 0);
  assert.ok(heightOf(0.6) > 0.3);
  assert.equal(heightOf(1), 1);
});

test("the line rises faster than it falls", () => {
  assert.ok(follow(0, 1, 0.05) > 1 - follow(1, 0, 0.05));
  assert.equal(follow(0.4, 0.9, 0), 0.4);
});
