/** How an event changes what a person sees. `tests/golden/` holds examples that this file and Python both reproduce. */

import type { EventFrame, Person, Seen, View } from "./wire.js";

/** The event is not the next one: ask the server what was missed. */
export const GAP = Symbol("gap");

/** The view after one more event; the same view when it has been applied before; `GAP` when it cannot be applied. */
export function apply(view: View, frame: EventFrame): View | typeof GAP {
  const [epoch, seq, tail] = view.position;
  if (frame.seq > seq + 1) return GAP;
  // The same number with another tail: one of the two is no longer in the room's past.
  if (frame.seq === seq && frame.tail !== tail) return GAP;
  if (frame.seq <= seq) return view;
  return { ...changed(view, frame.event), position: [epoch, frame.seq, frame.tail] };
}

function changed(view: View, event: Seen): View {
  switch (event.kind) {
    case "page_turned":
      return { ...view, page: event.page, turned_by: event.by, suggestions: without(view, event.page) };
    case "participant_joined":
      return { ...view, people: withPerson(view.people, event.person) };
    case "participant_left":
      return {
        ...view,
        people: view.people.map((each) => (each.id === event.participant ? { ...each, left: true } : each)),
        reading: view.reading.includes(event.participant) ? [] : view.reading,
      };
    case "notes_written": {
      const passages = [...view.passages, ...event.put_aside];
      return { ...view, passages: passages.filter(({ id }) => !event.gone.includes(id)) };
    }
    case "removed_for_good":
      return { ...view, passages: view.passages.filter(({ id }) => id !== event.passage) };
    case "page_suggested":
      return { ...view, suggestions: [...view.suggestions, { page: event.page, by: event.by }] };
    case "suggestion_dismissed":
      return { ...view, suggestions: without(view, event.page) };
    case "reading_agreed":
      return { ...view, reading: [...view.reading, event.by] };
    case "reading_stopped":
      return { ...view, reading: [] };
    case "session_ended":
      return { ...view, ended: true, passages: [] };
    case "unseen":
      return view;
  }
}

function without(view: View, page: string): View["suggestions"] {
  return view.suggestions.filter((each) => each.page !== page);
}

function withPerson(people: readonly Person[], person: Person): readonly Person[] {
  const known = people.some((each) => each.id === person.id);
  return known ? people.map((each) => (each.id === person.id ? person : each)) : [...people, person];
}
