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

type Say = (at: number, words: string, stillTrue?: () => boolean, matters?: boolean) => void;

function announcer(): { place: Place; say: Say; tick(at: number): void } {
  const place = new Place();
  const made = new Announcer(place as unknown as HTMLElement);
  const at = (now: number): number => (place.now = now);
  return { place, say: (now, words, ...how) => made.say(words, at(now), ...how), tick: (now) => made.tick(at(now)) };
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

test("that words did not arrive is not pushed aside by something that matters less", () => {
  const { place, say, tick } = announcer();
  say(0, "Kim is writing here");
  say(1_000, "These words did not reach the notes", () => true, true);
  say(2_000, "Saved");
  tick(10_000);
  say(20_000, "Saved");
  assert.deepEqual(place.said.slice(1).map(({ words }) => words), ["These words did not reach the notes", "Saved"]);
});
