/** Who listens to the page hears at most one sentence about the notes in ten seconds, and only what is true then. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Announcer } from "../../client_templates/src/announcer.js";

class Place {
  readonly said: { at: number; words: string }[] = [];
  now = 0;

  set textContent(words: string) {
    this.said.push({ at: this.now, words });
  }
}

function announcer(): { place: Place; say(at: number, words: string, stillTrue?: () => boolean): void; tick(at: number): void } {
  const place = new Place();
  const made = new Announcer(place as unknown as HTMLElement);
  const at = (now: number): number => (place.now = now);
  return { place, say: (now, words, stillTrue) => made.say(words, at(now), stillTrue), tick: (now) => made.tick(at(now)) };
}

test("the first sentence is said at once, the newest of those that follow after ten seconds", () => {
  const { place, say, tick } = announcer();
  say(1_000, "Kim is writing here");
  say(2_000, "Saving");
  say(5_000, "Saved");
  for (let at = 5_100; at < 11_000; at += 100) tick(at);
  assert.deepEqual(place.said, [{ at: 1_000, words: "Kim is writing here" }]);
  tick(11_000);
  tick(40_000);
  assert.deepEqual(place.said.slice(1), [{ at: 11_000, words: "Saved" }]);
});

test("however much happens in a minute, ten seconds are between any two sentences", () => {
  const { place, say, tick } = announcer();
  for (let at = 0; at <= 60_000; at += 37) {
    if (at % 5 === 0) say(at, `Said at ${at}`);
    else tick(at);
  }
  assert.equal(place.said.length, 6);
  for (const [nth, { at }] of place.said.slice(1).entries()) assert.ok(at - place.said[nth]!.at >= 10_000);
});

test("what is not true any more when its time comes is not said, and what comes next need not wait for it", () => {
  const { place, say, tick } = announcer();
  say(0, "Not connected");
  let connected = false;
  say(100, "Still not connected", () => !connected);
  connected = true;
  tick(10_000);
  assert.equal(place.said.length, 1);
  say(10_100, "Saved");
  assert.deepEqual(place.said.at(-1), { at: 10_100, words: "Saved" });
});
