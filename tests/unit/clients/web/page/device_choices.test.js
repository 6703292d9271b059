import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DEFAULT_CHOICES, DeviceChoices,
} from "../../../../../clients/web/site/page/device_choices.js";

/** A storage with one entry. */
function storage(entry = null) {
  return { getItem: () => entry, setItem: (_, value) => (entry = value) };
}

test("choices are kept for the next visit", () => {
  const kept = storage();
  new DeviceChoices(kept).change({ halfDuplex: true, inputDevice: "abc" });
  assert.deepEqual(new DeviceChoices(kept).current, {
    ...DEFAULT_CHOICES, halfDuplex: true, inputDevice: "abc",
  });
});

test("an entry that cannot be read counts as none", () => {
  for (const entry of [null, "", "{", "null", "5", '{"detector": "yes", "other": 1}']) {
    assert.deepEqual(new DeviceChoices(storage(entry)).current, DEFAULT_CHOICES);
  }
});

test("a full storage does not lose the choice of this visit", () => {
  const full = {
    getItem: () => null,
    setItem: () => {
      throw new Error("full");
    },
  };
  const choices = new DeviceChoices(full);
  choices.change({ talkMode: "push-to-talk" });
  assert.equal(choices.current.talkMode, "push-to-talk");
});
