import assert from "node:assert/strict";
import { test } from "node:test";

import { PROTOCOL_VERSION } from "../../client_templates/src/wire.js";
import { frame, NOTHING, sam, turned, view, welcome, WINDOW, windowOf } from "./people.js";

const turn = (page: string) => ({ type: "turn_page", page }) as const;
const numbers = (emits: readonly (readonly [string, object])[]) =>
  emits.map(([, payload]) => (payload as { number?: number }).number);

test("nothing is sent before the welcome, and then it is", () => {
  const conversation = windowOf(view(3));
  assert.deepEqual(conversation.submit(turn("hard-days"), 0).emits, []);
  assert.equal(conversation.state, "connecting");
  const { emits } = conversation.received(welcome(), 10);
  assert.deepEqual(emits, [["command", { number: 1, command: turn("hard-days") }]]);
  assert.equal(conversation.state, "live");
});

test("what comes before the welcome is not believed", () => {
  const conversation = windowOf(view(3));
  conversation.received(["events", { events: [turned(4, "hard-days")] }], 0);
  assert.equal(conversation.view?.page, "home");
});

test("the hello says what the window has already", () => {
  assert.deepEqual(windowOf(view(3)).hello(), {
    version: PROTOCOL_VERSION,
    window: WINDOW,
    position: ["e1", 3, "t3"],
    mine: { along: true, away: false },
  });
  assert.equal(windowOf(null).hello().position, null);
});

test("[PR4] how a window is here is said when it changes, and with the next hello", () => {
  const conversation = sam();
  const alone = { along: false, away: false };
  assert.deepEqual(conversation.isHereAs(alone, 0).emits, [["mine", alone]]);
  assert.deepEqual(conversation.isHereAs({ ...alone }, 0).emits, []);
  conversation.disconnected(0);
  assert.deepEqual(conversation.isHereAs({ along: false, away: true }, 0).emits, []);
  assert.deepEqual(conversation.hello().mine, { along: false, away: true });
});

test("[PO2] what is shown in passing is not kept for later, and what others show is handed on as it is", () => {
  const conversation = sam();
  const point = ["point", { page: "home", at: null, tapped: false, number: 1 }] as const;
  assert.deepEqual(conversation.show(point, 0).emits, [point]);
  const pointed = ["pointed", { ...point[1], by: "alex" }] as const;
  assert.deepEqual(conversation.received(pointed, 0).shown, [pointed]);
  conversation.disconnected(0);
  assert.deepEqual(conversation.show(point, 0).emits, []);
  assert.deepEqual(conversation.received(welcome(), 0).emits, []);
});

test("[WN1] Sam's own event is the answer", () => {
  const conversation = sam();
  const { number } = conversation.submit(turn("hard-days"), 0);
  const { notices } = conversation.received(["events", { events: [turned(4, "hard-days", "sam", number)] }], 5);
  assert.deepEqual(notices, [
    { kind: "done", number: 1, command: turn("hard-days"), outcome: "event" },
    { kind: "turned", page: "hard-days", by: "sam", mine: true },
  ]);
  assert.deepEqual(conversation.pending, []);
});

test("Alex turns the page while Sam is cut off; Sam comes back, both see it, and Sam's own move is sent again", () => {
  const conversation = sam();
  conversation.submit(turn("small-things"), 0);
  conversation.disconnected(100);
  assert.equal(conversation.state, "not_connected");
  const { emits } = conversation.received(welcome({ events: [turned(4, "hard-days")] }), 3_000);
  assert.equal(conversation.view?.page, "hard-days");
  assert.deepEqual(emits, [["command", { number: 1, command: turn("small-things") }]]);
});

test("a jump in the numbers is asked about, at once and every 4 s, and shown only when it is filled", () => {
  const conversation = sam();
  const catchUp = ["catch_up", { position: ["e1", 3, "t3"] }];
  const jump = conversation.received(["events", { events: [turned(5, "small-things"), turned(6, "home")] }], 0);
  assert.deepEqual(jump.emits, [catchUp]);
  assert.equal(conversation.view?.page, "home");
  assert.deepEqual(conversation.tick(3_999).emits, []);
  assert.deepEqual(conversation.tick(4_000).emits, [catchUp]);
  const missed = [turned(4, "hard-days"), turned(5, "small-things"), turned(6, "hard-days")];
  conversation.received(["events", { events: missed }], 4_100);
  assert.deepEqual(conversation.view?.position, ["e1", 6, "t6"]);
  assert.deepEqual(conversation.tick(60_000).emits, []);
});

test("[OR1] a copy that is not in the room's past is not built upon: only a whole view replaces it", () => {
  const conversation = sam();
  const other = { ...turned(3, "hard-days"), tail: "other" };
  const doubt = conversation.received(["events", { events: [other, turned(4, "small-things")] }], 0);
  assert.equal(doubt.emits[0]?.[0], "catch_up");
  assert.deepEqual(conversation.view?.position, ["e1", 3, "t3"]);
  conversation.disconnected(1_000);
  assert.equal(conversation.hello().position, null);
  conversation.received(welcome({ whole: view(2, { page: "hard-days" }) }), 2_000);
  assert.deepEqual(conversation.view?.position, ["e1", 2, "t2"]);
  assert.deepEqual(conversation.hello().position, ["e1", 2, "t2"]);
});

test("late and repeated events change nothing, and no number goes back", () => {
  const conversation = sam();
  conversation.received(["events", { events: [turned(4, "hard-days")] }], 0);
  const again = conversation.received(["events", { events: [turned(4, "hard-days"), turned(2, "home")] }], 1);
  assert.deepEqual(again, NOTHING);
  assert.deepEqual(conversation.view?.position, ["e1", 4, "t4"]);
});

test("at most eight commands are in flight, in order", () => {
  const conversation = sam();
  const sent = Array.from({ length: 12 }, (_, i) => conversation.submit(turn(`p${i}`), 0)).flatMap((each) => each.emits);
  assert.deepEqual(numbers(sent), [1, 2, 3, 4, 5, 6, 7, 8]);
  const { emits } = conversation.received(["answer", { window: WINDOW, number: 1, outcome: "already" }], 1);
  assert.deepEqual(numbers(emits), [9]);
});

test("a move lives 5 s, then it is dropped and said", () => {
  const conversation = windowOf(view(3));
  conversation.submit(turn("hard-days"), 0);
  assert.deepEqual(conversation.tick(4_999).notices, []);
  assert.deepEqual(conversation.tick(5_000).notices, [{ kind: "dropped", number: 1, command: turn("hard-days") }]);
  assert.deepEqual(conversation.received(welcome(), 5_100).emits, []);
});

test("leaving is sent until it is answered, however long that takes", () => {
  const conversation = windowOf(view(3));
  conversation.submit({ type: "leave" }, 0);
  assert.deepEqual(conversation.tick(120_000).notices, []);
  assert.deepEqual(numbers(conversation.received(welcome(), 120_000).emits), [1]);
  assert.deepEqual(numbers(conversation.tick(123_999).emits), []);
  assert.deepEqual(numbers(conversation.tick(124_000).emits), [1]);
  conversation.received(["events", { events: [frame(4, { kind: "participant_left", participant: "sam" }, 1)] }], 124_100);
  assert.equal(conversation.state, "left");
  assert.deepEqual(conversation.pending, []);
});

test("[PT9] taking a person out is sent until it is answered, and its event is the answer", () => {
  const conversation = sam();
  const command = { type: "remove_participant", participant: "kim" } as const;
  conversation.submit(command, 0);
  conversation.disconnected(100);
  assert.deepEqual(conversation.tick(120_000).notices, []);
  assert.deepEqual(conversation.received(welcome(), 120_000).emits, [["command", { number: 1, command }]]);
  const gone = frame(4, { kind: "participant_left", participant: "kim" }, 1);
  const { notices } = conversation.received(["events", { events: [gone] }], 120_100);
  assert.deepEqual(notices, [{ kind: "done", number: 1, command, outcome: "event" }]);
  assert.equal(conversation.state, "live");
});

test("[PT9] [PT11] who was taken out is told so by the goodbye alone, and does not come back", () => {
  const conversation = sam();
  conversation.submit(turn("hard-days"), 0);
  conversation.received(["goodbye", { code: "removed", retry: false }], 10);
  assert.equal(conversation.state, "removed");
  assert.equal(conversation.over, true);
  assert.deepEqual(conversation.pending, []);
  conversation.disconnected(20);
  assert.equal(conversation.state, "removed");
  assert.deepEqual(conversation.received(welcome(), 30).emits, []);
});

test("a busy server is asked again later, under the same number, and nothing overtakes it", () => {
  const conversation = sam();
  conversation.submit(turn("hard-days"), 0);
  conversation.received(["answer", { window: WINDOW, number: 1, outcome: "again", code: "busy" }], 10);
  assert.deepEqual(conversation.submit(turn("small-things"), 20).emits, []);
  assert.deepEqual(numbers(conversation.tick(259).emits), []);
  assert.deepEqual(numbers(conversation.tick(260).emits), [1, 2]);
});

test("the wait grows while the server stays busy, up to 2 s", () => {
  const conversation = sam();
  conversation.submit({ type: "end_session" }, 0);
  let now = 0;
  for (const wait of [250, 500, 1_000, 2_000, 2_000]) {
    conversation.received(["answer", { window: WINDOW, number: 1, outcome: "again", code: "busy" }], now);
    assert.deepEqual(conversation.tick(now + wait - 1).emits, []);
    now += wait;
    assert.deepEqual(numbers(conversation.tick(now).emits), [1]);
  }
});

test("[WN4] what protects and came to nothing is asked for under a new number; a move is not", () => {
  const conversation = sam();
  conversation.submit({ type: "leave" }, 0);
  conversation.submit(turn("hard-days"), 0);
  const nothing = (number: number) =>
    conversation.received(["answer", { window: WINDOW, number, outcome: "refused", code: "came_to_nothing" }], 1);
  const leave = nothing(1);
  assert.deepEqual(leave.notices, [{ kind: "renumbered", number: 1, again: 3, command: { type: "leave" } }]);
  assert.deepEqual(numbers(leave.emits), [3]);
  assert.equal(nothing(2).notices[0]?.kind, "refused");
});

test("a refusal is told with its code, once", () => {
  const conversation = sam();
  conversation.submit({ type: "end_session" }, 0);
  const refused = ["answer", { window: WINDOW, number: 1, outcome: "refused", code: "not_allowed" }] as const;
  assert.deepEqual(conversation.received(refused, 1).notices, [
    { kind: "refused", number: 1, command: { type: "end_session" }, code: "not_allowed" },
  ]);
  assert.deepEqual(conversation.received(refused, 2).notices, []);
});

test("an answer to another window is nobody's business here", () => {
  const conversation = sam();
  conversation.submit(turn("hard-days"), 0);
  conversation.received(["answer", { window: "another-window-0123456789", number: 1, outcome: "already" }], 1);
  assert.deepEqual(conversation.pending, [1]);
});

test("numbers go on after the last one that the server has seen of this window", () => {
  const conversation = windowOf(view(3));
  conversation.received(welcome({ last: 7 }), 0);
  assert.equal(conversation.submit(turn("hard-days"), 1).number, 8);
});

test("the end of the session ends the window: nothing more is sent", () => {
  const conversation = sam();
  conversation.submit(turn("hard-days"), 0);
  conversation.received(["events", { events: [frame(4, { kind: "session_ended", by: "alex" })] }], 1);
  assert.equal(conversation.state, "ended");
  assert.deepEqual(conversation.submit(turn("home"), 2).emits, []);
  assert.deepEqual(conversation.pending, []);
});

for (const [code, retry, state] of [
  ["left", false, "left"],
  ["removed", false, "removed"],
  ["session_ended", false, "ended"],
  ["other_version", false, "other_version"],
  ["malformed", false, "other_version"],
  ["shutting_down", true, "live"],
  ["too_slow", true, "live"],
] as const) {
  test(`goodbye ${code}: the window is ${state}`, () => {
    const conversation = sam();
    conversation.received(["goodbye", { code, retry }], 1);
    assert.equal(conversation.state, state);
  });
}

test("a welcome in another version of the protocol is not followed", () => {
  const conversation = windowOf(view(3));
  conversation.received(welcome({ version: PROTOCOL_VERSION + 1, events: [turned(4, "hard-days")] }), 0);
  assert.equal(conversation.state, "other_version");
  assert.equal(conversation.view?.page, "home");
});
