/** Small helpers for the stories: a view, frames and a window, all with short names. */

import { Conversation } from "../../client_templates/src/conversation.js";
import { PROTOCOL_VERSION, type EventFrame, type FromServer, type Seen, type View } from "../../client_templates/src/wire.js";

export const WINDOW = "window-of-sam-0123456789";
export const PAGES = ["home", "hard-days", "small-things"];

/** Of a call that leads to nothing. */
export const NOTHING = { emits: [], notices: [], keep: [], forget: [], refused: [], shown: [] };

export function view(seq: number, more: Partial<View> = {}): View {
  return {
    position: ["e1", seq, `t${seq}`],
    you: "sam",
    practice: false,
    pages: PAGES,
    home: "home",
    page: "home",
    turned_by: "",
    ended: false,
    people: [
      { id: "sam", name: "Sam", role: "service_user", left: false },
      { id: "alex", name: "Alex, nurse", role: "worker", left: false },
    ],
    passages: [],
    suggestions: [],
    reading: [],
    ...more,
  };
}

export function frame(seq: number, event: Seen, mine?: number): EventFrame {
  const place = { seq, tail: `t${seq}`, event };
  return mine === undefined ? place : { ...place, window: WINDOW, number: mine };
}

export function turned(seq: number, page: string, by = "alex", mine?: number): EventFrame {
  return frame(seq, { kind: "page_turned", page, by }, mine);
}

export function welcome(more: Partial<FromServer["welcome"]> = {}): readonly ["welcome", FromServer["welcome"]] {
  return ["welcome", { version: PROTOCOL_VERSION, whole: null, words: null, events: [], last: 0, here: [{ id: "sam", along: true, away: false }], ...more }];
}

/** A window of Sam that is not connected. What it writes stands under `client`. */
export function windowOf(seen: View | null, client = 7, id = WINDOW): Conversation {
  let drawn = client;
  return new Conversation(id, seen, null, () => drawn++);
}

/** Sam's window, connected, at event 3. */
export function sam(now = 0): Conversation {
  const conversation = windowOf(view(3));
  conversation.received(welcome(), now);
  return conversation;
}
