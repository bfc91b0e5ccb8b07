import assert from "node:assert/strict";
import { test } from "node:test";

import { Trail } from "../../client_templates/src/trail.js";

test("at the start there is nothing to go back to", () => {
  assert.equal(Trail.from(undefined, undefined, "home").canGoBack("home"), false);
});

test("Sam opens a page and can go back; going back and on elsewhere forgets what was ahead", () => {
  const trail = Trail.from(undefined, undefined, "home");
  trail.went("hard-days");
  assert.equal(trail.canGoBack("hard-days"), true);
  assert.equal(trail.goTo(0)?.page, "home");
  trail.went("small-things");
  assert.deepEqual(trail.places.map((each) => each.page), ["home", "small-things"]);
});

test("Alex takes both elsewhere: Sam can go back to the page that was Sam's", () => {
  const trail = Trail.from(undefined, undefined, "home");
  assert.equal(trail.canGoBack("hard-days"), true);
  assert.equal(trail.current.page, "home");
});

test("a refresh keeps the trail; a history entry of another page of ours is not taken for one", () => {
  const kept = [
    { page: "home", y: 0 },
    { page: "hard-days", y: 120 },
  ];
  assert.equal(Trail.from(kept, 1, "hard-days").current.y, 120);
  assert.equal(Trail.from(kept, 7, "hard-days").places.length, 1);
  assert.equal(Trail.from(kept, undefined, "home").at, 0);
  assert.equal(Trail.from(kept, 0, "home").goTo("1"), undefined);
});
