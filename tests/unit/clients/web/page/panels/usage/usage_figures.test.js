import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chartDays, limitView, resetText,
} from "../../../../../../../clients/web/site/page/panels/usage/usage_figures.js";

test("a limit says what is left of it, in its unit", () => {
  assert.deepEqual(limitView({ kind: "talk_seconds", limit: 3600, left: 900 }), {
    name: "Talk", left: "15 min of 1 h left", share: 0.75, isLow: false,
  });
  const cost = limitView({ kind: "cost", limit: 2, left: 0.1 });
  assert.deepEqual([cost.name, cost.isLow], ["Cost", true]);
  assert.equal(limitView({ kind: "cost", limit: 2, left: 0 }).left, "$2.00 used up");
  assert.equal(limitView({ kind: "talk_seconds", limit: 0, left: 0 }).share, 1);
});

test("the reset is in local time, with the time until then", () => {
  const place = { locale: "en-GB", timeZone: "Europe/Madrid" };
  const resetsAt = "2026-11-21T00:00:00.000Z";
  assert.equal(
    resetText(resetsAt, Date.parse("2026-11-20T20:39:30Z"), place),
    "A new day starts at 1:00, in 3 h 20 min.",
  );
  assert.match(resetText(resetsAt, Date.parse("2026-11-20T23:59:30Z"), place), /less than a minute/);
});

test("the chart has a column for each of the last two weeks' days", () => {
  const days = [
    { day: "2026-11-20", talk_s: 30 }, { day: "2026-11-18", talk_s: 60 },
    { day: "2026-10-01", talk_s: 600 },
  ];
  const columns = chartDays(days, "2026-11-20");
  assert.equal(columns.length, 14);
  assert.deepEqual(columns[0], { day: "2026-11-07", share: 0, label: "7" });
  assert.deepEqual(columns.slice(-3).map(({ share }) => share), [1, 0, 0.5]);
});
