import assert from "node:assert/strict";
import { test } from "node:test";

import { FADES_AFTER, Pointing, SEND_EVERY, STAYS_FOR } from "../../client_templates/src/pointing.js";
import type { At } from "../../client_templates/src/wire.js";

const at = (offset: number): At => ["first", 7, offset, 0.5, 0.5];
const theirs = (offset: number | null, number: number, tapped = false) => ({
  by: "alex",
  page: "home",
  at: offset === null ? null : at(offset),
  tapped,
  number,
});

test("[PO1] of many movements the newest is sent, at most thirty times a second", () => {
  const pointing = new Pointing();
  let sent = 0;
  for (let now = 0; now < 1_000; now += 2) {
    pointing.moves("home", at(now), now);
    const point = pointing.due(now, true);
    if (point) sent += 1;
    if (point) assert.deepEqual(point.at, at(now));
  }
  assert.ok(sent >= 20 && sent <= 31, `${sent} times`);
});

test("[PO1] a mouse that is still fades, and says so once", () => {
  const pointing = new Pointing();
  pointing.moves("home", at(1), 0);
  assert.ok(pointing.due(0, true));
  assert.equal(pointing.due(FADES_AFTER - 1, true), null);
  assert.equal(pointing.due(FADES_AFTER, true)?.at, null);
  assert.equal(pointing.due(FADES_AFTER + 100, true), null);
  assert.equal(pointing.waits, false);
});

test("[PO1] what was tapped stays for twenty seconds, whatever the mouse leaves, and goes for another spot", () => {
  const pointing = new Pointing();
  pointing.taps("home", at(1));
  assert.equal(pointing.due(0, true)?.tapped, true);
  pointing.moves("home", null, 100);
  assert.equal(pointing.due(200, true), null);
  assert.equal(pointing.due(STAYS_FOR - 1, true), null);
  assert.equal(pointing.due(STAYS_FOR, true)?.at, null);
  pointing.taps("home", at(2));
  pointing.moves("home", at(3), STAYS_FOR + 50);
  assert.equal(pointing.due(STAYS_FOR + 100, true)?.tapped, true, "a mouse is never quite still");
  pointing.moves("home", at(4), STAYS_FOR + 200);
  assert.equal(pointing.due(STAYS_FOR + 200, true), null);
  pointing.moves("home", ["second", 7, 0, 0.5, 0.5], STAYS_FOR + 300);
  assert.equal(pointing.due(STAYS_FOR + 300, true)?.tapped, false);
});

test("[PO2] on one's own, or hidden, nothing is sent but that the pointer is gone", () => {
  const pointing = new Pointing();
  pointing.moves("home", at(1), 0);
  assert.equal(pointing.due(0, false), null);
  pointing.moves("home", at(1), 100);
  assert.ok(pointing.due(100, true)?.at);
  pointing.stops();
  assert.equal(pointing.due(200, false)?.at, null);
  pointing.hidesMine = true;
  pointing.taps("home", at(1));
  assert.equal(pointing.due(300, true), null);
});

test("[PO1] the same spot is not sent again", () => {
  const pointing = new Pointing();
  pointing.moves("home", at(1), 0);
  assert.ok(pointing.due(0, true));
  pointing.moves("home", at(1), SEND_EVERY);
  assert.equal(pointing.due(SEND_EVERY, true), null);
});

test("[PO1] one answer: who sees a tapped point says so once, and its owner is told once of each", () => {
  const [sam, alex] = [new Pointing(), new Pointing()];
  sam.taps("home", at(1));
  const point = sam.due(0, true);
  assert.ok(point);
  alex.hears({ ...point, by: "sam" }, 10);
  const [shown] = alex.theirs("home", ["sam"], 20);
  assert.ok(shown);
  assert.deepEqual([alex.sees(shown), alex.sees(shown)], [true, false]);
  const seen = { by: "alex", number: point.number };
  assert.deepEqual([sam.isSeen(seen), sam.isSeen(seen), sam.isSeen({ ...seen, number: 99 })], [true, false, false]);
  assert.deepEqual(sam.mine?.seenBy, ["alex"]);
  assert.equal(alex.sees(theirs(3, 5)), false, "a pointer that passes by is not answered");
});

test("[PO2] nothing stays of who went away, of another page, or of what is old", () => {
  const pointing = new Pointing();
  pointing.hears(theirs(1, 1), 0);
  assert.equal(pointing.theirs("home", ["alex"], 1).length, 1);
  pointing.hidesTheirs = true;
  assert.equal(pointing.theirs("home", ["alex"], 1).length, 0);
  pointing.hidesTheirs = false;
  assert.equal(pointing.theirs("people", ["alex"], 1).length, 0);
  for (const [here, later] of [[[], 1], [["alex"], FADES_AFTER + 2_000]] as const) {
    pointing.hears(theirs(1, 2), 0);
    assert.equal(pointing.theirs("home", here, later).length, 0);
  }
  pointing.hears(theirs(1, 3), 0);
  pointing.hears(theirs(null, 4), 1);
  assert.equal(pointing.theirs("home", ["alex"], 2).length, 0);
});
