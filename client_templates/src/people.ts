/** Who is in the session, and how this window is connected, in words. Names are put in as text, never as HTML. */

import type { State } from "./conversation.js";
import type { View } from "./wire.js";
import type { Say } from "./words.js";

export function nameOf(view: View, participant: string): string {
  return view.people.find((each) => each.id === participant)?.name ?? "";
}

export function drawState(place: HTMLElement, state: State, say: Say): void {
  if (place.dataset["state"] === state) return;
  place.dataset["state"] = state;
  place.textContent = say(`connection.${state}`);
}

/** `here`: who is connected to the session; empty as long as this window is not, because then nobody can tell. */
export function drawPeople(list: HTMLElement, view: View, live: boolean, here: readonly string[], say: Say): void {
  const items = view.people.map(({ id, name, left }) => {
    const mine = id === view.you;
    const state = left ? "left" : mine ? (live ? "here" : "away") : live ? (here.includes(id) ? "here" : "away") : "";
    const item = document.createElement("li");
    item.dataset["person"] = id;
    item.dataset["state"] = state;
    const stateWords = state ? say(`person.${state}`) : "";
    item.append(part("name", mine ? say("person.you", { name }) : name), " ", part("state", stateWords));
    return item;
  });
  const same = items.length === list.children.length && items.every((item, i) => list.children[i]?.isEqualNode(item));
  if (!same) list.replaceChildren(...items);
}

function part(name: string, text: string): HTMLElement {
  const span = document.createElement("span");
  span.dataset["part"] = name;
  span.textContent = text;
  return span;
}
