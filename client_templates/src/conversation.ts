/**
 * One window's side of a session, without socket, clock or page: what came in and what the person asked for go in,
 * what has to be sent and said comes out. `connection.ts` carries it, `session.ts` shows it, the simulated world
 * (`tests/world/`) runs this very file.
 */

import { Notes, type Words } from "./notes.js";
import { Outbox } from "./outbox.js";
import { apply, GAP } from "./room.js";
import { Writing, type Refused } from "./writing.js";
import {
  PROTOCOL_VERSION,
  type ClientMessage,
  type Command,
  type EventFrame,
  type FromServer,
  type Goodbye,
  type Hello,
  type Here,
  type InPassing,
  type ServerMessage,
  type View,
  type Way,
} from "./wire.js";

export type State = "connecting" | "live" | "not_connected" | "ended" | "left" | "removed" | "other_version";

export type Notice =
  | { readonly kind: "done"; readonly number: number; readonly command: Command; readonly outcome: "event" | "already" }
  | { readonly kind: "refused"; readonly number: number; readonly command: Command; readonly code: string }
  | { readonly kind: "dropped"; readonly number: number; readonly command: Command }
  | { readonly kind: "renumbered"; readonly number: number; readonly again: number; readonly command: Command }
  | { readonly kind: "joined"; readonly person: string }
  | { readonly kind: "turned"; readonly page: string; readonly by: string; readonly mine: boolean }
  | { readonly kind: "written"; readonly box: string; readonly by: string; readonly mine: boolean }
  | { readonly kind: "put_aside"; readonly by: string; readonly box: string }
  | { readonly kind: "reading"; readonly by: string; readonly stopped: boolean };

/** What others show in passing. */
export type Shown = Extract<ServerMessage, readonly ["pointed" | "seen" | "placed", unknown]>;

/** What a call leads to: messages for the current connection, in order, and what happened. */
export interface Effects {
  readonly emits: ClientMessage[];
  readonly notices: Notice[];
  /** To be kept on the device; `kept` has to be called for each before it is sent. */
  readonly keep: Words[];
  /** Arrived, or never will: nothing has to be kept of them any more. */
  readonly forget: string[];
  /** What did not reach the notes: the person gets their words back. */
  readonly refused: Refused[];
  readonly shown: Shown[];
}

const OVER: readonly State[] = ["ended", "left", "removed", "other_version"];
const CATCH_UP_AGAIN_AFTER = 4_000;
const COMPARE_AFTER = 4_000;

function nothing(): Effects {
  return { emits: [], notices: [], keep: [], forget: [], refused: [], shown: [] };
}

export class Conversation {
  state: State = "connecting";
  here: readonly Here[] = [];
  readonly notes: Notes;
  readonly writing: Writing;
  private readonly outbox = new Outbox();
  /** How this window is here: see `away` and `along`. */
  private mine: Way = { along: true, away: false };
  private welcomed = false;
  /** A number above ours was seen: when we last asked for what lies between. */
  private askedAt: number | null = null;
  private awaited = 0;
  /** Our copy is not in the room's past: nothing may be built on it until a whole view comes. */
  private doubtful = false;
  /** Since when the notes have not been compared with the server's; null: they were, as they are. */
  private changedAt: number | null = null;
  private effects = nothing();

  /**
   * `window` is a fresh random id of this load of the page: numbers of commands count within it. `words`: of the notes, as
   * they came with the view. `draw`: a random number below 2^32.
   */
  constructor(
    readonly window: string,
    public view: View | null,
    words: string | null,
    draw: () => number,
  ) {
    this.notes = new Notes(words, draw);
    this.writing = new Writing(this.notes, this.outbox);
    this.settle();
  }

  get pending(): readonly number[] {
    return this.outbox.pending.map((each) => each.number);
  }

  /** Nothing more will come of this window: the person left or was put out, the session ended, or the page is an old one. */
  get over(): boolean {
    return OVER.includes(this.state);
  }

  /** The connect payload of a connection that is being opened. */
  hello(): Hello {
    return { version: PROTOCOL_VERSION, window: this.window, position: this.doubtful ? null : (this.view?.position ?? null), mine: this.mine };
  }

  /** Ask for something. It is sent as soon as it can be. */
  submit(command: Command, now: number): Effects & { readonly number: number } {
    const number = this.outbox.add(command, now);
    return { ...this.finish(now), number };
  }

  /** What was written since the last time: to be kept on the device, then sent. */
  collect(now: number): Effects {
    this.effects.keep.push(...this.writing.collect());
    return this.finish(now);
  }

  /** These are kept on the device, or cannot be: now they may be sent. */
  kept(ids: readonly string[], now: number): Effects {
    this.writing.kept(ids);
    return this.finish(now);
  }

  /** Send on what another window of this person left behind. */
  takeOver(words: readonly Words[], now: number): Effects {
    this.writing.takeOver(words);
    return this.finish(now);
  }

  /** How this window is here from now on: whether its page goes along, and whether it is out of sight. */
  isHereAs(mine: Way, now: number): Effects {
    const same = mine.along === this.mine.along && mine.away === this.mine.away;
    this.mine = mine;
    return same ? this.finish(now) : this.show(["mine", mine], now);
  }

  /** Show the others something in passing. Without a connection it is gone: it would be old by then. */
  show(message: InPassing, now: number): Effects {
    if (this.welcomed && !this.over) this.effects.emits.push(message);
    return this.finish(now);
  }

  received([name, payload]: ServerMessage, now: number): Effects {
    if (name === "goodbye") this.goodbye(payload);
    else if (name === "welcome") this.welcome(payload, now);
    else if (this.welcomed) {
      if (name === "events") this.follow(payload.events, now);
      else if (name === "whole") this.replace(payload.view, payload.words, now);
      else if (name === "answer") this.answer(payload, now);
      else if (name === "presence") this.here = payload.here;
      else this.effects.shown.push([name, payload] as Shown);
    }
    return this.finish(now);
  }

  /** The connection is gone. What has no answer stays, and is sent again after the next welcome. */
  disconnected(now: number): Effects {
    this.welcomed = false;
    this.askedAt = null;
    this.awaited = 0;
    if (this.state === "live") this.state = "not_connected";
    return this.finish(now);
  }

  /** Call this a few times a second. */
  tick(now: number): Effects {
    if (this.welcomed && this.askedAt !== null && now - this.askedAt >= CATCH_UP_AGAIN_AFTER) this.askForMissed(now);
    if (this.changedAt !== null && now - this.changedAt >= COMPARE_AFTER) this.compare();
    return this.finish(now);
  }

  private welcome(welcome: FromServer["welcome"], now: number): void {
    if (this.over) return;
    if (welcome.version !== PROTOCOL_VERSION) {
      this.state = "other_version";
      return;
    }
    this.welcomed = true;
    this.state = "live";
    this.here = welcome.here;
    this.outbox.reconnected(welcome.last);
    if (welcome.whole) this.replace(welcome.whole, welcome.words ?? "", now);
    this.follow(welcome.events, now);
    this.settle();
  }

  private follow(frames: readonly EventFrame[], now: number): void {
    for (const frame of frames) {
      // Even an event that cannot be shown yet is on disk, and answers its command.
      const answers = frame.window === this.window && frame.number ? frame.number : 0;
      const own = this.writing.isOwn(answers);
      if (answers) this.done(answers, "event");
      if (!this.view || this.doubtful) continue;
      const next = apply(this.view, frame);
      if (next === GAP) this.missed(this.view, frame.seq, now);
      else if (next !== this.view) this.fold(next, frame, own, now);
    }
  }

  private fold(view: View, { event, window }: EventFrame, own: boolean, now: number): void {
    this.view = view;
    if (view.position[1] >= this.awaited) this.askedAt = null;
    const { notices } = this.effects;
    if (event.kind === "participant_joined") notices.push({ kind: "joined", person: event.person.id });
    if (event.kind === "page_turned") {
      notices.push({ kind: "turned", page: event.page, by: event.by, mine: window === this.window });
    }
    if (event.kind === "reading_agreed" || event.kind === "reading_stopped") {
      notices.push({ kind: "reading", by: event.by, stopped: event.kind === "reading_stopped" });
    }
    if (event.kind === "notes_written") {
      this.notes.written(event.box, event.update, own);
      this.changedAt ??= now;
      notices.push({ kind: "written", box: event.box, by: event.by, mine: window === this.window });
      if (event.put_aside.length) notices.push({ kind: "put_aside", by: event.by, box: event.box });
    }
    this.settle();
  }

  private missed(view: View, seq: number, now: number): void {
    this.doubtful = seq <= view.position[1];
    this.awaited = Math.max(this.awaited, seq);
    if (this.askedAt === null) this.askForMissed(now);
  }

  private askForMissed(now: number): void {
    if (!this.view) return;
    this.askedAt = now;
    this.effects.emits.push(["catch_up", { position: this.view.position }]);
  }

  /** The server was in doubt and sent everything: what it says holds, even if its number is lower than ours. */
  private replace(view: View, words: string, now: number): void {
    this.view = view;
    this.doubtful = false;
    this.askedAt = null;
    this.awaited = view.position[1];
    this.changedAt ??= now;
    this.writing.replaced(words);
    this.settle();
  }

  /** Ask whether the notes are the same there, when they have been the same here for a while. */
  private compare(): void {
    if (!this.view || !this.welcomed || this.over || this.doubtful || this.askedAt !== null) return;
    this.changedAt = null;
    this.effects.emits.push(["digests", { position: this.view.position, boxes: this.notes.digests() }]);
    this.writing.compare();
  }

  private answer({ window, number, outcome, code = "", clock }: FromServer["answer"], now: number): void {
    if (window !== this.window) return;
    if (outcome === "already") this.done(number, "already");
    else if (clock !== undefined) {
      this.outbox.answered(number);
      this.writing.fromClock(number, clock);
    } else if (outcome === "again") this.outbox.again(number, now);
    else this.refused(number, code, now);
  }

  private done(number: number, outcome: "event" | "already"): void {
    const answered = this.outbox.answered(number);
    this.writing.arrived(number);
    if (answered) this.effects.notices.push({ kind: "done", number, command: answered.command, outcome });
  }

  private refused(number: number, code: string, now: number): void {
    const answered = this.outbox.answered(number);
    if (!answered) return;
    const { command } = answered;
    if (code === "came_to_nothing" && command.type !== "turn_page") {
      // A later number overtook it. What protects may not be lost that way: ask once more under a new number.
      const again = this.outbox.add(command, now);
      this.writing.renumbered(number, again);
      this.effects.notices.push({ kind: "renumbered", number, again, command });
      return;
    }
    this.writing.refused(number, code);
    this.effects.notices.push({ kind: "refused", number, command, code });
  }

  private goodbye({ code, retry }: Goodbye): void {
    if (code === "left" || code === "removed") this.state = code;
    else if (code === "session_ended") this.state = "ended";
    else if (!retry) this.state = "other_version";
  }

  /** What the view itself says of the end of this window. */
  private settle(): void {
    if (!this.view) return;
    const { you, people, ended } = this.view;
    if (people.some((each) => each.id === you && each.left)) this.state = "left";
    else if (ended) this.state = "ended";
  }

  private finish(now: number): Effects {
    if (this.over) {
      this.outbox.clear();
      if (this.state !== "other_version") this.writing.end(this.state);
    }
    for (const { number, command } of this.outbox.dropOld(now)) {
      this.effects.notices.push({ kind: "dropped", number, command });
    }
    if (this.welcomed && !this.over) {
      this.writing.send(now);
      for (const { number, command } of this.outbox.due(now)) this.effects.emits.push(["command", { number, command }]);
    }
    const { forget, refused } = this.writing.outcome();
    this.effects.forget.push(...forget);
    this.effects.refused.push(...refused);
    const effects = this.effects;
    this.effects = nothing();
    return effects;
  }
}
