/**
 * One window's side of a session, without socket, clock or page: what came in and what the person asked for go in,
 * what has to be sent and said comes out. `connection.ts` carries it, `session.ts` shows it, the simulated world
 * (`tests/world/`) runs this very file.
 */

import { Outbox } from "./outbox.js";
import { apply, GAP } from "./room.js";
import {
  PROTOCOL_VERSION,
  type ClientMessage,
  type Command,
  type EventFrame,
  type FromServer,
  type Goodbye,
  type Hello,
  type ServerMessage,
  type View,
} from "./wire.js";

export type State = "connecting" | "live" | "not_connected" | "ended" | "left" | "removed" | "other_version";

export type Notice =
  | { readonly kind: "done"; readonly number: number; readonly command: Command; readonly outcome: "event" | "already" }
  | { readonly kind: "refused"; readonly number: number; readonly command: Command; readonly code: string }
  | { readonly kind: "dropped"; readonly number: number; readonly command: Command }
  | { readonly kind: "renumbered"; readonly number: number; readonly again: number; readonly command: Command }
  | { readonly kind: "joined"; readonly person: string }
  | { readonly kind: "turned"; readonly page: string; readonly by: string; readonly mine: boolean };

/** What a call leads to: messages for the current connection, in order, and what happened. */
export interface Effects {
  readonly emits: ClientMessage[];
  readonly notices: Notice[];
}

const OVER: readonly State[] = ["ended", "left", "removed", "other_version"];
const CATCH_UP_AGAIN_AFTER = 4_000;

export class Conversation {
  state: State = "connecting";
  here: readonly string[] = [];
  private readonly outbox = new Outbox();
  private welcomed = false;
  /** A number above ours was seen: when we last asked for what lies between. */
  private askedAt: number | null = null;
  private awaited = 0;
  /** Our copy is not in the room's past: nothing may be built on it until a whole view comes. */
  private doubtful = false;
  private effects: Effects = { emits: [], notices: [] };

  /** `window` is a fresh random id of this load of the page: numbers of commands count within it. */
  constructor(
    readonly window: string,
    public view: View | null,
  ) {
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
    return { version: PROTOCOL_VERSION, window: this.window, position: this.doubtful ? null : (this.view?.position ?? null) };
  }

  /** Ask for something. It is sent as soon as it can be. */
  submit(command: Command, now: number): Effects & { readonly number: number } {
    const number = this.outbox.add(command, now);
    return { ...this.finish(now), number };
  }

  received([name, payload]: ServerMessage, now: number): Effects {
    if (name === "goodbye") this.goodbye(payload);
    else if (name === "welcome") this.welcome(payload, now);
    else if (this.welcomed) {
      if (name === "events") this.follow(payload.events, now);
      else if (name === "whole") this.replace(payload.view);
      else if (name === "answer") this.answer(payload, now);
      else this.here = payload.here;
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
    if (welcome.whole) this.replace(welcome.whole);
    this.follow(welcome.events, now);
    this.settle();
  }

  private follow(frames: readonly EventFrame[], now: number): void {
    for (const frame of frames) {
      // Even an event that cannot be shown yet is on disk, and answers its command.
      if (frame.window === this.window && frame.number) this.done(frame.number, "event");
      if (!this.view || this.doubtful) continue;
      const next = apply(this.view, frame);
      if (next === GAP) this.missed(this.view, frame.seq, now);
      else if (next !== this.view) this.show(next, frame);
    }
  }

  private show(view: View, { event, window }: EventFrame): void {
    this.view = view;
    if (view.position[1] >= this.awaited) this.askedAt = null;
    if (event.kind === "participant_joined") this.effects.notices.push({ kind: "joined", person: event.person.id });
    if (event.kind === "page_turned") {
      this.effects.notices.push({ kind: "turned", page: event.page, by: event.by, mine: window === this.window });
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
  private replace(view: View): void {
    this.view = view;
    this.doubtful = false;
    this.askedAt = null;
    this.awaited = view.position[1];
    this.settle();
  }

  private answer({ window, number, outcome, code = "" }: FromServer["answer"], now: number): void {
    if (window !== this.window) return;
    if (outcome === "again") this.outbox.again(number, now);
    else if (outcome === "already") this.done(number, "already");
    else this.refused(number, code, now);
  }

  private done(number: number, outcome: "event" | "already"): void {
    const answered = this.outbox.answered(number);
    if (answered) this.effects.notices.push({ kind: "done", number, command: answered.command, outcome });
  }

  private refused(number: number, code: string, now: number): void {
    const answered = this.outbox.answered(number);
    if (!answered) return;
    const { command } = answered;
    if (code === "came_to_nothing" && command.type !== "turn_page") {
      // A later number overtook it. What protects may not be lost that way: ask once more under a new number.
      this.effects.notices.push({ kind: "renumbered", number, again: this.outbox.add(command, now), command });
      return;
    }
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
    if (this.over) this.outbox.clear();
    for (const { number, command } of this.outbox.dropOld(now)) {
      this.effects.notices.push({ kind: "dropped", number, command });
    }
    if (this.welcomed && !this.over) {
      for (const { number, command } of this.outbox.due(now)) this.effects.emits.push(["command", { number, command }]);
    }
    const effects = this.effects;
    this.effects = { emits: [], notices: [] };
    return effects;
  }
}
