import assert from "node:assert/strict";
import { test } from "node:test";

import { Attempts, type Attempt } from "../../client_templates/src/attempts.js";

type Fate = "refused" | "hangs" | "welcome";

/** A network in words: what becomes of an attempt at a time. Runs until the welcome, in steps of 10 ms. */
function connects(
  attempts: Attempts,
  fate: (attempt: Attempt, now: number) => Fate,
  from = 0,
): { readonly at: number; readonly attempt: Attempt; readonly most: number } {
  const open = new Set<Attempt>();
  let most = 0;
  for (let now = from; now < from + 120_000; now += 10) {
    for (const attempt of [...open]) {
      const will = fate(attempt, now);
      if (will === "hangs") continue;
      open.delete(attempt);
      if (will === "welcome") {
        attempts.welcomed(attempt, now);
        return { at: now - from, attempt, most };
      }
      attempts.closed(attempt, now);
    }
    const steps = attempts.tick(now);
    for (const each of steps.abandon) open.delete(each);
    for (const each of steps.open) open.add(each);
    most = Math.max(most, open.size);
  }
  throw new Error("never connected");
}

const evenly = () => 0.5;

test("a network that carries WebSockets gets one, at once", () => {
  const { at, attempt } = connects(new Attempts(false, evenly), () => "welcome");
  assert.equal(attempt.way, "websocket");
  assert.ok(at <= 20);
});

for (const fate of ["refused", "hangs"] as const) {
  test(`where a WebSocket ${fate === "hangs" ? fate : `is ${fate}`}, long-polling carries the session within 5 s, and this is remembered`, () => {
    const attempts = new Attempts(false, evenly);
    const { at, attempt } = connects(attempts, ({ way }) => (way === "polling" ? "welcome" : fate));
    assert.equal(attempt.way, "polling");
    assert.ok(at < 5_000, `${at} ms`);
    assert.equal(attempts.pollingOnly, true);
  });
}

test("what an earlier load found out is not tried again", () => {
  const attempts = new Attempts(true, evenly);
  assert.equal(attempts.tick(0).open[0]?.way, "polling");
});

test("a WebSocket cut after 20 s, twice in a row, gives way to long-polling", () => {
  const attempts = new Attempts(false, evenly);
  connects(attempts, () => "welcome");
  attempts.lost(20_000, true);
  assert.equal(connects(attempts, () => "welcome", 20_000).attempt.way, "websocket");
  attempts.tick(40_000);
  attempts.lost(40_200, true);
  assert.equal(connects(attempts, () => "welcome", 40_200).attempt.way, "polling");
  assert.equal(attempts.pollingOnly, true);
});

test("a server that restarts is not a network without WebSockets", () => {
  const attempts = new Attempts(false, evenly);
  connects(attempts, () => "welcome");
  attempts.tick(31_000);
  attempts.lost(31_000, true);
  connects(attempts, (_, now) => (now < 36_000 ? "refused" : "welcome"), 31_000);
  assert.equal(attempts.pollingOnly, false);
});

for (const [name, during] of [
  ["is silent", "hangs"],
  ["refuses", "refused"],
] as const) {
  test(`after 60 s in which the network ${name}, the session is back within 3 s, whatever the moment`, () => {
    for (let offset = 0; offset < 8_000; offset += 130) {
      for (const chance of [0, 0.999]) {
        const attempts = new Attempts(false, () => chance);
        connects(attempts, () => "welcome");
        attempts.tick(40_000);
        attempts.lost(40_000, true);
        const back = 100_000 + offset;
        // What was opened before the network came back stays as it was: only a fresh attempt gets through.
        const fate = ({ startedAt }: Attempt) => (startedAt < back ? during : "welcome");
        const { at, most } = connects(attempts, fate, 40_000);
        assert.ok(40_000 + at - back < 2_500, `${40_000 + at - back} ms after ${back}`);
        assert.ok(most <= 3);
        assert.equal(attempts.pollingOnly, false);
      }
    }
  });
}

test("hurry begins at once, and what hangs is given up without blame", () => {
  const attempts = new Attempts(false, evenly);
  const [first] = attempts.tick(0).open;
  assert.deepEqual(attempts.hurry(1_500).abandon, [first]);
  assert.equal(attempts.tick(1_500).open[0]?.way, "websocket");
});

test("hurry leaves an attempt alone that has only just begun", () => {
  const attempts = new Attempts(false, evenly);
  attempts.tick(0);
  assert.deepEqual(attempts.hurry(500).abandon, []);
});

test("while nothing comes through, WebSockets are opened only behind a knock that was answered", () => {
  const attempts = new Attempts(false, evenly);
  connects(attempts, () => "welcome");
  attempts.lost(1_000, true);
  let [unguarded, knocks] = [0, 0];
  for (let now = 1_000; now < 61_000; now += 10) {
    for (const attempt of attempts.tick(now).open) {
      if (attempt.knocks) attempts.unanswered(attempt, now);
      else attempts.closed(attempt, now);
      if (attempt.knocks) knocks += 1;
      else if (attempt.way === "websocket") unguarded += 1;
    }
  }
  assert.ok(unguarded <= 4, `${unguarded} WebSockets failed`);
  assert.ok(knocks >= 30, `${knocks} knocks`);
  const { attempt } = connects(attempts, () => "welcome", 61_000);
  assert.equal(attempt.way, "websocket");
  assert.equal(attempts.pollingOnly, false);
});
