/** What travels between server and browser. The other half is `rooms/wire.py` and `rooms/views.py`; both follow `docs/protocol.md`. */

export const PROTOCOL_VERSION = 4;

/** Where a copy of a room stands: epoch, number of its last event, random id of that event. */
export type Position = readonly [epoch: string, seq: number, tail: string];

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly left: boolean;
}

/** The whole of what one participant may see. */
export interface View {
  readonly position: Position;
  readonly you: string;
  readonly practice: boolean;
  readonly pages: readonly string[];
  readonly home: string;
  readonly page: string | null;
  readonly turned_by: string;
  readonly ended: boolean;
  readonly people: readonly Person[];
  /** What was deleted from the notes and can be brought back, oldest first. */
  readonly passages: readonly Passage[];
  /** Pages that may be opened next, the oldest first. */
  readonly suggestions: readonly { readonly page: string; readonly by: string }[];
  /** Who wants to read at one place with the others. It holds from two on. */
  readonly reading: readonly string[];
}

/** Somebody who is here. `along`: the page of one of their windows goes along; `away`: none of them is in sight. */
export interface Here {
  readonly id: string;
  readonly along: boolean;
  readonly away: boolean;
}

/**
 * A spot on a page. On a letter: `check` is the CRC-32 of its block's text, in UTF-8, `offset` its place there in UTF-16
 * units, `x` and `y` fractions of its box. Elsewhere `check` is 0, `offset` -1, and they are fractions of the block's box.
 */
export type At = readonly [block: string, check: number, offset: number, x: number, y: number];

/** A line of a page: how far on in a block's letters it begins, as a fraction of them; without letters, of its height. */
export type Line = readonly [block: string, y: number];

export interface Point {
  readonly page: string;
  readonly at: At | null;
  readonly tapped: boolean;
  readonly number: number;
}

export interface Place {
  readonly page: string;
  readonly at: Line;
  readonly resting: boolean;
}

export interface Way {
  readonly along: boolean;
  readonly away: boolean;
}

/** `writers`: who had written it; `by`: who deleted it; `place`: the id of a unit of it in the notes. */
export interface Passage {
  readonly id: string;
  readonly box: string;
  readonly text: string;
  readonly writers: readonly string[];
  readonly by: string;
  readonly place: readonly [client: number, clock: number];
}

export type Seen =
  | { readonly kind: "page_turned"; readonly page: string; readonly by: string }
  | { readonly kind: "participant_joined"; readonly person: Person }
  | { readonly kind: "participant_left"; readonly participant: string }
  | {
      readonly kind: "notes_written";
      readonly by: string;
      readonly box: string;
      readonly update: string;
      readonly put_aside: readonly Passage[];
      readonly gone: readonly string[];
    }
  | { readonly kind: "removed_for_good"; readonly passage: string; readonly by: string }
  | { readonly kind: "page_suggested"; readonly page: string; readonly by: string }
  | { readonly kind: "suggestion_dismissed"; readonly page: string; readonly by: string }
  | { readonly kind: "reading_agreed"; readonly by: string }
  | { readonly kind: "reading_stopped"; readonly by: string }
  | { readonly kind: "session_ended"; readonly by: string }
  | { readonly kind: "unseen" };

/** One event in its place. `window` and `number` name the command that it answers, if any. */
export interface EventFrame {
  readonly seq: number;
  readonly tail: string;
  readonly event: Seen;
  readonly window?: string;
  readonly number?: number;
}

export type Command =
  | { readonly type: "turn_page"; readonly page: string }
  | { readonly type: "leave" }
  | { readonly type: "remove_participant"; readonly participant: string }
  | { readonly type: "end_session" }
  | { readonly type: "write"; readonly box: string; readonly update: string; readonly taken_over?: true; readonly back?: string }
  | { readonly type: "remove_for_good"; readonly passage: string }
  | { readonly type: "suggest"; readonly page: string }
  | { readonly type: "dismiss"; readonly page: string }
  | { readonly type: "read_together" }
  | { readonly type: "read_apart" };

export interface Hello {
  readonly version: number;
  readonly window: string;
  readonly position: Position | null;
  readonly mine: Way;
}

export interface Goodbye {
  readonly code: string;
  readonly retry: boolean;
}

export interface FromServer {
  welcome: {
    readonly version: number;
    readonly whole: View | null;
    /** With a view: the words of the notes, as one update in base64. */
    readonly words: string | null;
    readonly events: readonly EventFrame[];
    readonly last: number;
    readonly here: readonly Here[];
  };
  events: { readonly events: readonly EventFrame[] };
  whole: { readonly view: View; readonly words: string };
  answer: {
    readonly window: string;
    readonly number: number;
    readonly outcome: "already" | "refused" | "again";
    readonly code?: string;
    readonly clock?: number;
  };
  presence: { readonly here: readonly Here[] };
  pointed: Point & { readonly by: string };
  seen: { readonly by: string; readonly number: number };
  placed: Place & { readonly by: string; readonly window: string; readonly order: number };
  goodbye: Goodbye;
}

export type ServerMessage = { [Name in keyof FromServer]: readonly [Name, FromServer[Name]] }[keyof FromServer];

export type ClientMessage =
  | readonly ["command", { readonly number: number; readonly command: Command }]
  | readonly ["catch_up", { readonly position: Position }]
  | readonly ["digests", { readonly position: Position; readonly boxes: Readonly<Record<string, number>> }]
  | InPassing;

/** What is shown in passing: sent once, and only while there is a connection. */
export type InPassing =
  | readonly ["mine", Way]
  | readonly ["point", Point]
  | readonly ["sees", { readonly of: string; readonly number: number }]
  | readonly ["place", Place];

export const SERVER_EVENTS = ["welcome", "events", "whole", "answer", "presence", "pointed", "seen", "placed", "goodbye"] as const;
