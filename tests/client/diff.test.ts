import assert from "node:assert/strict";
import { test } from "node:test";

import { changeOf, clean, moved, pieces } from "../../client_templates/src/diff.js";
import { digest } from "../../client_templates/src/digest.js";

function applied(before: string, after: string, caret = after.length): string {
  const change = changeOf(before, after, caret);
  if (!change) return before;
  return before.slice(0, change.at) + change.inserted + before.slice(change.at + change.removed);
}

test("a change is told from how a text was and how it is", () => {
  assert.equal(changeOf("same", "same", 2), null);
  assert.deepEqual(changeOf("hello", "hello!", 6), { at: 5, removed: 0, inserted: "!" });
  assert.deepEqual(changeOf("hello", "hell", 4), { at: 4, removed: 1, inserted: "" });
  assert.deepEqual(changeOf("one two", "one 2 two", 5), { at: 3, removed: 0, inserted: " 2" });
});

test("a letter among the same letters stands where it was typed", () => {
  assert.deepEqual(changeOf("aaaa", "aaaaa", 2), { at: 1, removed: 0, inserted: "a" });
  assert.deepEqual(changeOf("aaaa", "aaa", 1), { at: 1, removed: 1, inserted: "" });
});

test("no letter of two units is cut in two", () => {
  // 😀 and 😁 have the same first half; 😀 and 🈀 the same second one.
  for (const [before, after] of [["😀", "😁"], ["a😀b", "a😁b"], ["😀😀", "😀"], ["😀", "\u{1F200}"], ["x😁y", "xy"]] as const) {
    const change = changeOf(before, after, after.length);
    assert.equal(applied(before, after), after);
    assert.ok(change);
    const cut = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
    assert.doesNotMatch(change.inserted, cut);
    assert.doesNotMatch(before.slice(change.at, change.at + change.removed), cut);
  }
});

test("long texts come in pieces, whole letters each", () => {
  assert.deepEqual(pieces("abcdef", 4), ["abcd", "ef"]);
  assert.deepEqual(pieces("abc😀d", 4), ["abc", "😀d"]);
  assert.deepEqual(pieces("", 4), []);
});

test("what no text can hold is left out", () => {
  assert.equal(clean("a\r\nb\rc\0d\u001Be\tf"), "a\nb\ncde\tf");
  assert.equal(clean("x\uD83Dy\uDE00z😀"), "x\uFFFDy\uFFFDz😀");
});

test("a place stays among its letters when others change the text", () => {
  assert.equal(moved(3, [{ retain: 1 }, { insert: "abc" }]), 6);
  assert.equal(moved(3, [{ retain: 3 }, { insert: "abc" }]), 3, "what comes right at the caret comes after it");
  assert.equal(moved(3, [{ retain: 5 }, { insert: "abc" }]), 3);
  assert.equal(moved(5, [{ retain: 1 }, { delete: 2 }]), 3);
  assert.equal(moved(2, [{ retain: 1 }, { delete: 5 }]), 1);
  assert.equal(moved(5, [{ delete: 2 }, { retain: 1 }, { insert: "xy" }]), 5);
  assert.equal(moved(5, [{ insert: "xy" }, { delete: 5 }]), 2);
  assert.equal(moved(0, [{ insert: "xy" }]), 0);
});

test("[NT9] the digest is CRC-32 of UTF-8", () => {
  assert.equal(digest(""), 0);
  assert.equal(digest("123456789"), 0xcbf43926);
  assert.equal(digest("Zoë 🌻"), Number(process.env["COPAGE_CRC_OF_ZOE"]));
});
