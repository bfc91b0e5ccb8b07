import assert from "node:assert/strict";
import { test } from "node:test";

import { fromBase64, toBase64 } from "../../client_templates/src/base64.js";
import type { Conversation, Effects } from "../../client_templates/src/conversation.js";
import { firstTogether, Notes, type Words } from "../../client_templates/src/notes.js";
import type { ClientMessage, Command } from "../../client_templates/src/wire.js";
import { frame, sam, view, welcome, WINDOW, windowOf } from "./people.js";

type Write = Command & { type: "write" };
const LONG = "A passage that is longer than forty letters, which is all it takes.";

let drawn = 100;
function notes(words: string | null = null): Notes {
  return new Notes(words, () => (drawn += 1));
}

/** What one window wrote, the other hears. */
function share(from: Notes, ...to: Notes[]): readonly Words[] {
  const words = from.collect();
  for (const { box, update } of words) {
    from.written(box, toBase64(update), true);
    for (const each of to) each.written(box, toBase64(update), false);
  }
  return words;
}

function type(who: Notes, words: string, at = who.text("looked").length, now = 0): void {
  const text = who.text("looked");
  who.write("looked", text.slice(0, at) + words + text.slice(at), at + words.length, now);
}

test("two write in one sentence at once, and both have both", () => {
  const [alex, sam] = [notes(), notes()];
  type(alex, "We went out.");
  share(alex, sam);
  type(alex, "Today ", 0);
  type(sam, " It rained.");
  const [mine, theirs] = [alex.collect(), sam.collect()];
  for (const { box, update } of mine) sam.written(box, toBase64(update), false);
  for (const { box, update } of theirs) alex.written(box, toBase64(update), false);
  assert.equal(alex.text("looked"), "Today We went out. It rained.");
  assert.equal(sam.text("looked"), alex.text("looked"));
});

test("undo takes back only one's own words, and redo brings them again", () => {
  const [alex, sam] = [notes(), notes()];
  type(alex, "Alex. ");
  share(alex, sam);
  type(sam, "Sam.", undefined, 5_000);
  share(sam, alex);
  assert.ok(alex.undo("looked"));
  assert.equal(alex.text("looked"), "Sam.");
  assert.ok(!alex.undo("looked"), "there is nothing more of Alex");
  assert.ok(alex.redo("looked"));
  assert.equal(alex.text("looked"), "Alex. Sam.");
  share(alex, sam);
  assert.equal(sam.text("looked"), "Alex. Sam.");
});

test("words typed without a break are undone at once, others one by one", () => {
  const alex = notes();
  for (const [i, letter] of [..."one"].entries()) type(alex, letter, undefined, i * 200);
  for (const [i, letter] of [..." two"].entries()) type(alex, letter, undefined, 5_000 + i * 200);
  alex.undo("looked");
  assert.equal(alex.text("looked"), "one");
  alex.undo("looked");
  assert.equal(alex.text("looked"), "");
});

test("100 KB are pasted, undone and redone as one step, in updates that the server takes", () => {
  const alex = notes();
  const paste = "Zoë 🌻 ".repeat(14_000);
  type(alex, paste);
  const pasted = alex.collect();
  assert.ok(alex.undo("looked"));
  assert.equal(alex.text("looked"), "");
  alex.collect();
  assert.ok(alex.redo("looked"));
  assert.equal(alex.text("looked"), paste);
  const redone = alex.collect();
  for (const { update } of [...pasted, ...redone]) assert.ok(update.length < 118 * 1024);
});

test("[NT7] a deletion of a passage travels alone, and small ones go together", () => {
  const alex = notes();
  type(alex, `${LONG} and a rest`);
  alex.collect();
  const after = (words: string): string => alex.write("looked", words, 0, 0);
  after(alex.text("looked").slice(1));
  after(alex.text("looked").slice(1));
  after(alex.text("looked").slice(50));
  after(alex.text("looked").slice(1));
  assert.deepEqual(alex.collect().map(({ deletes }) => deletes), [2, 50, 1]);
});

test("under an input method the box is left as it is, and everything comes together at its end", () => {
  const [alex, sam] = [notes(), notes()];
  type(alex, "ab");
  share(alex, sam);
  sam.hold("looked");
  type(alex, "REMOTE ", 0);
  share(alex, sam);
  assert.equal(sam.text("looked"), "ab");
  sam.write("looked", "a日本b", 3, 0);
  sam.release();
  assert.equal(sam.text("looked"), "REMOTE a日本b");
  share(sam, alex);
  assert.equal(alex.text("looked"), sam.text("looked"));
});

test("[NT2] after a refusal one goes on under a new id, and has the words back", () => {
  const alex = notes();
  type(alex, "Kept. ");
  share(alex);
  type(alex, "Lost.");
  const before = alex.client;
  assert.deepEqual(alex.giveUp(), [{ box: "looked", text: "Lost." }]);
  assert.equal(alex.text("looked"), "Kept. ");
  assert.notEqual(alex.client, before);
});

test("when the server has come to an older log, what it does not have is given back", () => {
  const alex = notes();
  type(alex, "Old. ");
  const words = toBase64(share(alex)[0]?.update ?? fromBase64(""));
  type(alex, "New.");
  share(alex);
  assert.deepEqual(alex.replaced(words, []), [{ box: "looked", text: "New." }]);
  assert.equal(alex.text("looked"), "Old. ");
  assert.equal(alex.replaced(words, []), null, "that is so now");
});

test("the whole from the server leaves what is not sent yet where it is", () => {
  const [alex, sam] = [notes(), notes()];
  type(sam, "Sam. ");
  const [words] = share(sam);
  assert.ok(words);
  type(alex, "Alex.");
  const unsent = alex.collect();
  assert.equal(alex.replaced(toBase64(words.update), unsent), null);
  assert.ok(["Sam. Alex.", "Alex.Sam. "].includes(alex.text("looked")));
});

test("a passage is put back where it stood", () => {
  const alex = notes();
  type(alex, `Before. ${LONG} After.`);
  share(alex);
  const place = [alex.client, 8] as const;
  alex.write("looked", "Before.  After.", 8, 0);
  share(alex);
  type(alex, "Very much ", 0);
  alex.put("looked", alex.placeOf("looked", place), LONG, 0, "5-0");
  assert.equal(alex.text("looked"), `Very much Before. ${LONG} After.`);
  assert.deepEqual(alex.collect().map(({ back }) => back), [undefined, "5-0"]);
});

test("pieces travel together as long as they are of one window, one box, and small", () => {
  const alex = notes();
  type(alex, "x");
  const [one] = alex.collect();
  assert.ok(one);
  const many = [one, { ...one, box: "felt" as const }, one];
  assert.equal(firstTogether(many).count, 1);
  assert.equal(firstTogether([one, { ...one, client: 5 }]).count, 1);
  assert.equal(firstTogether([one, { ...one, back: "5-0" }]).count, 1);
  assert.equal(firstTogether([{ ...one, back: "5-0" }, one]).count, 1);
  const after = { ...one, clock: one.clock + one.length };
  assert.equal(firstTogether([one, after]).count, 2);
  assert.equal(firstTogether([one, { ...after, clock: after.clock + 1 }]).count, 1, "one between them has arrived");
});

// --- what is sent, and what comes of it ---

function writes(emits: readonly ClientMessage[]): { number: number; command: Write }[] {
  return emits.flatMap((each) => (each[0] === "command" && each[1].command.type === "write" ? [{ number: each[1].number, command: each[1].command }] : []));
}

function typed(conversation: Conversation, words: string, now = 0): Effects {
  type(conversation.notes, words, undefined, now);
  return conversation.collect(now);
}

function keptAll(conversation: Conversation, { keep }: Effects, now = 0): { number: number; command: Write }[] {
  return writes(conversation.kept(keep.map(({ id }) => id), now).emits);
}

function echo(seq: number, { number, command }: { number: number; command: Write }): ReturnType<typeof frame> {
  const { box, update } = command;
  return frame(seq, { kind: "notes_written", by: "sam", box, update, put_aside: [], gone: [] }, number);
}

test("nothing is sent before it is kept on the device, and it is kept until it has arrived", () => {
  const window = sam();
  const effects = typed(window, "Hello");
  assert.deepEqual(writes(effects.emits), []);
  const [sent] = keptAll(window, effects);
  assert.ok(sent);
  const { forget } = window.received(["events", { events: [echo(4, sent)] }], 1);
  assert.deepEqual(forget, effects.keep.map(({ id }) => id));
  assert.deepEqual(window.writing.unsent, []);
});

test("[NT4] busy: the same number again, and nothing is dropped", () => {
  const window = sam();
  const [sent] = keptAll(window, typed(window, "Hello"));
  assert.ok(sent);
  window.received(["answer", { window: WINDOW, number: sent.number, outcome: "again", code: "busy" }], 10);
  assert.deepEqual(writes(window.tick(5_000).emits), [sent]);
});

test("[NT4] gap: what was written is sent from the clock on, under new numbers", () => {
  const window = sam();
  const [one] = keptAll(window, typed(window, "one "));
  const [two] = keptAll(window, typed(window, "two", 100), 100);
  assert.ok(one && two);
  const { emits } = window.received(
    ["answer", { window: WINDOW, number: two.number, outcome: "again", code: "gap", clock: 0 }],
    200,
  );
  const [again] = writes(emits);
  assert.ok(again && again.number > two.number);
  const heard = notes();
  heard.written("looked", again.command.update, false);
  assert.equal(heard.text("looked"), "one two");
});

test("[NT4] gap in the middle: what the server has is not sent again", () => {
  const window = sam();
  keptAll(window, typed(window, "one "));
  const [two] = keptAll(window, typed(window, "two", 100), 100);
  assert.ok(two);
  const { emits, forget } = window.received(
    ["answer", { window: WINDOW, number: two.number, outcome: "again", code: "gap", clock: 4 }],
    200,
  );
  assert.equal(forget.length, 1);
  assert.deepEqual(writes(emits).map(({ command }) => command.update), [two.command.update]);
});

test("[NT4] never: nothing under this id is sent any more, and the person has all the words back", () => {
  const window = sam();
  const [one] = keptAll(window, typed(window, "one "));
  keptAll(window, typed(window, "two "));
  type(window.notes, "three");
  assert.ok(one);
  const { refused, forget } = window.received(
    ["answer", { window: WINDOW, number: one.number, outcome: "refused", code: "notes_full" }],
    10,
  );
  assert.deepEqual(refused, [{ box: "looked", text: "one two three", code: "notes_full" }]);
  assert.equal(forget.length, 3);
  assert.deepEqual(writes(window.tick(20_000).emits), []);
  const [anew] = keptAll(window, typed(window, "anew", 20_000), 20_000);
  assert.ok(anew);
});

test("what another window left behind is sent unchanged, under its own id", () => {
  const gone = windowOf(view(3), 55, "window-of-sam-before-01");
  const { keep } = typed(gone, "Left behind.");
  const window = sam();
  const [sent] = writes(window.takeOver(keep, 0).emits);
  assert.equal(sent?.command.update, toBase64(keep[0]?.update ?? fromBase64("")));
  assert.equal(sent?.command.taken_over, true);
  assert.equal(window.notes.text("looked"), "", "it is in the notes when it is on the server's disk");
  assert.ok(sent);
  window.received(["events", { events: [echo(4, sent)] }], 1);
  assert.equal(window.notes.text("looked"), "Left behind.");
});

test("if it does not fit any more, the person has the words back", () => {
  const gone = windowOf(view(3), 56, "window-of-sam-before-02");
  const { keep } = typed(gone, "Left behind.");
  const window = sam();
  const [sent] = writes(window.takeOver(keep, 0).emits);
  assert.ok(sent);
  const { refused } = window.received(
    ["answer", { window: WINDOW, number: sent.number, outcome: "refused", code: "taken_over" }],
    1,
  );
  assert.deepEqual(refused, [{ box: "looked", text: "Left behind.", code: "taken_over" }]);
});

test("[NT7] who brings back what another has just brought back loses nothing and doubles nothing", () => {
  const window = sam();
  window.notes.put("looked", 0, LONG, 0, "5-0");
  const [sent] = keptAll(window, window.collect(0));
  assert.equal(sent?.command.back, "5-0");
  const answer = { window: WINDOW, number: sent?.number ?? 0, outcome: "refused", code: "already_back" } as const;
  assert.deepEqual(window.received(["answer", answer], 1).refused, []);
  assert.equal(window.notes.text("looked"), "");
});

test("when the session has ended, what did not arrive is given back; who has left wants nothing", () => {
  for (const [code, words] of [["session_ended", "Not sent."], ["left", undefined]] as const) {
    const window = sam();
    const { keep } = typed(window, "Not sent.");
    const { refused, forget } = window.received(["goodbye", { code, retry: false }], 1);
    assert.equal(refused[0]?.text, words);
    assert.deepEqual(forget, keep.map(({ id }) => id));
  }
});

test("[NT9] some seconds after the notes have changed, they are compared", () => {
  const window = sam();
  const [sent] = keptAll(window, typed(window, "Hello"));
  assert.ok(sent);
  window.received(["events", { events: [echo(4, sent)] }], 1_000);
  assert.deepEqual(window.tick(2_000).emits, []);
  const [compared] = window.tick(6_000).emits;
  assert.equal(compared?.[0], "digests");
  assert.deepEqual(window.tick(60_000).emits, [], "once");
  assert.equal(window.writing.faults, 0);
});

test("after the line was cut, words are sent at once when it is back", () => {
  const window = sam();
  window.disconnected(0);
  keptAll(window, typed(window, "In the "), 0);
  keptAll(window, typed(window, "tunnel."), 0);
  const sent = writes(window.received(welcome(), 900_000).emits);
  assert.equal(sent.length, 1, "together");
});
