import assert from "node:assert/strict";
import { test } from "node:test";

import { AT_MOST_EVERY, Steady } from "../../client_templates/src/steady.js";

test("[PR5] a sentence comes up at once, the next one ten seconds later, and only if it is still so", () => {
  const steady = new Steady();
  assert.equal(steady.shown("sam", "here", 0), "here");
  assert.equal(steady.shown("sam", "away", 1_000), "away");
  assert.equal(steady.shown("sam", "here", 1_500), "here");
  assert.equal(steady.shown("sam", "elsewhere", 2_000), "here");
  assert.ok(steady.waits);
  assert.equal(steady.shown("sam", "elsewhere", 1_000 + AT_MOST_EVERY), "elsewhere");
});

test("[PR5] however often the line breaks in a minute, a sentence comes up six times at most", () => {
  const steady = new Steady();
  let [came, last] = [0, ""];
  for (let now = 0; now < 60_000; now += 100) {
    const shown = steady.shown("sam", now % 1_000 < 500 ? "here" : "away", now);
    if (shown !== last && shown === "away") came += 1;
    last = shown;
  }
  assert.ok(came >= 5 && came <= 6, `${came} times`);
});

test("[PR5] that somebody left is not held back, and people do not hold each other back", () => {
  const steady = new Steady();
  for (const person of ["sam", "alex"]) assert.equal(steady.shown(person, "here", 0), "here");
  assert.equal(steady.shown("sam", "away", 10), "away");
  assert.equal(steady.shown("alex", "alone", 20), "alone");
  assert.equal(steady.shown("sam", "left", 30), "left");
});
