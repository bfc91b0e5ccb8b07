import assert from "node:assert/strict";
import { test } from "node:test";

import { LEFT_ALONE_FOR, Reading, SECOND_MOVEMENT } from "../../client_templates/src/reading.js";
import type { Line } from "../../client_templates/src/wire.js";

function place(order: number, y: number, resting = true) {
  const at: Line = ["first", y];
  return { by: "alex", window: "w", page: "home", at, resting, order };
}

function together(): Reading {
  const reading = new Reading();
  reading.turn(true);
  return reading;
}

test("[RT4] nobody goes anywhere before it is agreed, nor to a place from before", () => {
  const reading = new Reading();
  reading.placed(place(1, 0.5), false);
  assert.equal(reading.due(10_000, false), null);
  reading.turn(true);
  assert.equal(reading.due(10_000, false), null);
});

test("[RT4] who is at rest goes to the place where another's hand came to rest, once", () => {
  const reading = together();
  reading.placed(place(1, 0.2, false), false);
  assert.equal(reading.due(10_000, false), null, "on the way is not a place");
  reading.placed(place(2, 0.5), false);
  assert.deepEqual(reading.due(10_000, false), ["first", 0.5]);
  assert.equal(reading.due(10_100, false), null);
});

test("[RT4] of two, the last to rest in the server's order is the place; the other goes there a second after their rest", () => {
  const reading = together();
  reading.moves(0);
  reading.rests(100);
  reading.placed(place(1, 0.1), true);
  reading.placed(place(2, 0.9), false);
  assert.equal(reading.due(100 + LEFT_ALONE_FOR - 1, false), null);
  assert.deepEqual(reading.due(100 + LEFT_ALONE_FOR, false), ["first", 0.9]);

  const last = together();
  last.placed(place(2, 0.9), true);
  last.placed(place(1, 0.1), false);
  assert.equal(last.due(10_000, false), null, "their own place was the later one, whatever came first");
});

test("[RT4] a hand that moves again after it was taken elsewhere wants to be on its own; one that was idle does not", () => {
  const reading = together();
  reading.moves(0);
  reading.rests(100);
  reading.placed(place(1, 0.9), false);
  assert.ok(reading.due(1_200, false));
  assert.ok(reading.moves(1_200 + SECOND_MOVEMENT - 1));

  const idle = together();
  idle.placed(place(1, 0.9), false);
  assert.ok(idle.due(60_000, false));
  assert.ok(!idle.moves(60_100));
});

test("[RT4] nobody who is busy is moved, and the place waits for them", () => {
  const reading = together();
  reading.placed(place(1, 0.5), false);
  assert.equal(reading.due(10_000, true), null);
  assert.deepEqual(reading.due(20_000, false), ["first", 0.5]);
});
