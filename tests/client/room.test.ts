import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { apply, GAP } from "../../client_templates/src/room.js";
import type { EventFrame, View } from "../../client_templates/src/wire.js";
import { frame, turned, view } from "./people.js";

interface Golden {
  readonly name: string;
  readonly you: string;
  readonly before: View;
  readonly frames: readonly EventFrame[];
  readonly after: View;
}

const golden = process.env["COPAGE_GOLDEN"] ?? "";
const files = readdirSync(golden).filter((name) => name.endsWith(".json"));

test("[VW2] there are golden examples", () => assert.ok(files.length > 0));

for (const name of files) {
  test(`[VW2] the browser folds ${name} as Python does`, () => {
    const example = JSON.parse(readFileSync(join(golden, name), "utf8")) as Golden;
    const after = example.frames.reduce<View>((before, next) => {
      const shown = apply(before, next);
      assert.notEqual(shown, GAP);
      return shown as View;
    }, example.before);
    assert.deepEqual(after, example.after);
  });
}

test("[OR3] an event that is not the next one is a gap", () => {
  assert.equal(apply(view(3), turned(5, "hard-days")), GAP);
});

test("[OR3] an event that was applied before changes nothing", () => {
  const before = view(3);
  assert.equal(apply(before, turned(2, "hard-days")), before);
  assert.equal(apply(before, turned(3, "hard-days")), before);
});

test("[OR1] the same number with another tail is a gap: one of the two is not in the room's past", () => {
  assert.equal(apply(view(3), { ...turned(3, "hard-days"), tail: "other" }), GAP);
});

test("Ada comes in, and stands after those who were there", () => {
  const ada = { id: "ada", name: "Ada", role: "worker", left: false };
  const after = apply(view(3), frame(4, { kind: "participant_joined", person: ada })) as View;
  assert.deepEqual(after.people.map((each) => each.id), ["sam", "alex", "ada"]);
  assert.deepEqual(after.position, ["e1", 4, "t4"]);
});
