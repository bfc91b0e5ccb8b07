import assert from "node:assert/strict";
import { test } from "node:test";

import { BUSY_FOR, Together } from "../../client_templates/src/together.js";

function window(own?: string, asks = false): Together {
  return new Together("home", own, asks);
}

test("[PG2] who is along and at rest goes where another opens a page", () => {
  const sam = window();
  sam.opened("people", "alex", false, 0);
  assert.deepEqual([sam.page, sam.along, sam.card], ["people", true, null]);
});

test("[PG5] who is busy is asked, however long it takes, and newer pages are asked about in place of older ones", () => {
  const sam = window();
  sam.touched(1_000);
  sam.opened("people", "alex", false, 1_000 + BUSY_FOR - 1);
  assert.deepEqual([sam.page, sam.card], ["home", { page: "people", by: "alex" }]);
  sam.opened("hard-day", "kim", false, 1_000 + 100 * BUSY_FOR);
  assert.equal(sam.page, "hard-day", "at rest by then, and the newest page is where all are");
  sam.touched(2_000_000);
  sam.opened("people", "alex", false, 2_000_001);
  sam.opened("home", "kim", false, 2_000_002);
  assert.deepEqual([sam.page, sam.card], ["hard-day", { page: "home", by: "kim" }]);
});

test("[PG5] a card goes by itself only when the others come back to this page", () => {
  const sam = window();
  sam.touched(0);
  sam.opened("people", "alex", false, 1);
  sam.opened("home", "alex", false, 2);
  assert.deepEqual([sam.page, sam.card], ["home", null]);
});

test("[PG5] the three answers", () => {
  const sam = window();
  sam.touched(0);
  sam.opened("people", "alex", false, 1);
  sam.goAlong();
  assert.deepEqual([sam.page, sam.along, sam.card], ["people", true, null]);

  sam.touched(2);
  sam.opened("home", "alex", false, 3);
  sam.goAlone();
  assert.deepEqual([sam.page, sam.along, sam.card], ["people", false, null]);

  const always = window(undefined, true);
  always.opened("people", "alex", false, 0);
  assert.deepEqual([always.page, always.card], ["home", { page: "people", by: "alex" }]);
});

test("[PG6] on their own, nothing that others open changes anything, and the way back leads to where they are by then", () => {
  const sam = window();
  sam.goAlone("people");
  sam.opened("hard-day", "alex", false, 0);
  sam.opened("small-things", "alex", false, 1);
  assert.deepEqual([sam.page, sam.along, sam.card], ["people", false, null]);
  sam.goAlong();
  assert.deepEqual([sam.page, sam.along], ["small-things", true]);
});

test("[PG4] going back is to be on one's own, and stays so until they say otherwise", () => {
  const sam = window();
  sam.goTo("home");
  assert.deepEqual([sam.page, sam.along], ["home", true]);
  sam.goTo("people");
  assert.deepEqual([sam.page, sam.along], ["people", false]);
  sam.goTo("home");
  assert.deepEqual([sam.page, sam.along], ["home", false], "nobody is told of their place by accident");
  sam.goAlong();
  assert.deepEqual([sam.page, sam.along], ["home", true]);
});

test("[PG5] whoever has just chosen a page waits for it, and is not busy with the one before", () => {
  const sam = window();
  sam.touched(0);
  sam.moved();
  sam.opened("people", "alex", false, 1);
  assert.equal(sam.page, "people", "of two who choose at once, both end where the second one went");
});

test("what I open myself I see, busy or not", () => {
  const sam = window(undefined, true);
  sam.touched(0);
  sam.opened("people", "sam", true, 1);
  assert.deepEqual([sam.page, sam.card], ["people", null]);
});
