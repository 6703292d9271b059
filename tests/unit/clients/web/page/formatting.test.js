import assert from "node:assert/strict";
import { test } from "node:test";
import {
  englishLocale, formatClock, formatCount, formatDay, formatLanguage, formatMoment, formatNext,
  formatSeconds, formatTime, formatUsd, formatWait,
} from "../../../../../clients/web/site/page/formatting.js";

const HERE = { locale: "en-GB", timeZone: "Europe/Madrid" };
const NOW_MS = Date.parse("2026-11-20T23:30:00Z");

test("a length of time has at most two units", () => {
  const written = [0, 0.4, 59.6, 200, 3600, 3661, 90_000].map(formatSeconds);
  assert.deepEqual(written, ["0 s", "0 s", "1 min", "3 min 20 s", "1 h", "1 h 1 min", "25 h"]);
});

test("a count has its noun in the singular or the plural", () => {
  const written = [
    formatCount(1, "turn"), formatCount(0, "turn"), formatCount(1200, "entry"), formatCount(2, "day"),
  ];
  assert.deepEqual(written, ["1 turn", "0 turns", "1,200 entries", "2 days"]);
});

test("moments are in local time, with names for today and yesterday", () => {
  // In Madrid it is half past midnight of the 21st.
  assert.equal(formatMoment("2026-11-20T23:05:00.000Z", NOW_MS, HERE), "Today, 0:05");
  assert.equal(formatMoment("2026-11-20T22:05:00.000Z", NOW_MS, HERE), "Yesterday, 23:05");
  assert.match(formatMoment("2026-11-12T13:05:00.000Z", NOW_MS, HERE), /^Thu.* 12 Nov, 14:05$/);
  assert.match(formatMoment("2025-11-12T13:05:00.000Z", NOW_MS, HERE), /2025/);
  assert.equal(formatTime("2026-11-21T00:00:00.000Z", HERE), "1:00");
});

test("a calendar day of the API is the same day in every time zone", () => {
  assert.match(formatDay("2026-11-20", { locale: "en-GB" }), /^Fri.* 20 Nov$/);
});

test("a language has its English name and its own", () => {
  assert.equal(formatLanguage("en-US"), "English (United States)");
  assert.equal(formatLanguage("es-ES"), "Spanish (Spain) · español");
});

test("dates follow the first English locale of the browser", () => {
  assert.equal(englishLocale(["de-DE", "en-US", "en"]), "en-US");
  assert.equal(englishLocale(["de-DE", "enx"]), "en-GB");
});

test("an amount has the digits that a cheap turn needs", () => {
  const written = [0, 0.00004, 0.0123, 0.5, 12].map(formatUsd);
  assert.deepEqual(written, ["$0.00", "$0.0000", "$0.012", "$0.500", "$12.00"]);
});

test("a wait has tenths, and a clock has minutes and seconds", () => {
  assert.equal(formatWait(1_249), "1.2 s");
  const written = [-5, 65_400, 3_600_000, 3_905_000].map(formatClock);
  assert.deepEqual(written, ["0:00", "1:05", "1:00:00", "1:05:05"]);
});

test("what comes later is named by its time, and by its weekday unless it is today", () => {
  assert.equal(formatNext(NOW_MS + 60_000, NOW_MS, HERE), "at 0:31");
  assert.equal(formatNext(NOW_MS + 86_400_000, NOW_MS, HERE), "on Sunday at 0:30");
});
