/** Who is in the session, and how this window is connected, in words. Names are put in as text, never as HTML. */

import type { State } from "./conversation.js";
import type { PersonState, Steady } from "./steady.js";
import type { Here, View } from "./wire.js";
import type { Say } from "./words.js";

export function nameOf(view: View, participant: string): string {
  return view.people.find((each) => each.id === participant)?.name ?? "";
}

export function drawState(place: HTMLElement, state: State, say: Say): void {
  if (place.dataset["state"] === state) return;
  place.dataset["state"] = state;
  place.textContent = say(`connection.${state}`);
}

/**
 * `here`: who is connected to the session; empty as long as this window is not, because then nobody can tell.
 * `removeAt`: where the form goes with which a worker takes a person out.
 *
 * What is there already is changed and not made anew: a box that was opened stays open, and the keyboard stays in it.
 */
export function drawPeople(
  list: HTMLElement,
  view: View,
  live: boolean,
  here: readonly Here[],
  say: Say,
  removeAt: string,
  steady: Steady,
): void {
  const known = new Map([...list.children].map((item) => [(item as HTMLElement).dataset["person"], item as HTMLElement]));
  const worker = view.people.some(({ id, role }) => id === view.you && role === "worker");
  view.people.forEach(({ id, name, role, left }, i) => {
    const mine = id === view.you;
    const now: PersonState = left ? "left" : mine ? (live ? "here" : "away") : live ? stateOf(here.find((each) => each.id === id)) : "";
    const state = mine ? now : steady.shown(id, now, performance.now());
    const item = known.get(id) ?? newItem(id);
    known.delete(id);
    item.dataset["state"] = state;
    setText(item, "name", mine ? say("person.you", { name }) : name);
    setText(item, "state", state ? say(`person.${state}`) : "");
    drawNotThem(item, worker && role === "service_user" && !left ? notThem(id, name, say, removeAt) : null);
    if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
  });
  for (const gone of known.values()) gone.remove();
}

function stateOf(person: Here | undefined): "away" | "elsewhere" | "here" | "alone" {
  return !person ? "away" : person.away ? "elsewhere" : person.along ? "here" : "alone";
}

function newItem(id: string): HTMLElement {
  const item = document.createElement("li");
  item.dataset["person"] = id;
  item.append(part("name"), " ", part("state"));
  return item;
}

function part(name: string): HTMLElement {
  const span = document.createElement("span");
  span.dataset["part"] = name;
  return span;
}

function setText(item: HTMLElement, name: string, text: string): void {
  const place = item.querySelector(`[data-part="${name}"]`);
  if (place && place.textContent !== text) place.textContent = text;
}

/** As the template makes it, so that either can begin. */
function notThem(id: string, name: string, say: Say, removeAt: string): HTMLElement {
  const box = document.createElement("details");
  box.dataset["part"] = "not-them";
  const summary = document.createElement("summary");
  summary.textContent = say("person.not_them", { name });
  const form = document.createElement("form");
  form.dataset["copage"] = "remove";
  form.method = "post";
  form.action = removeAt;
  const about = document.createElement("p");
  about.textContent = say("person.not_them_about", { name });
  const button = document.createElement("button");
  button.name = "person";
  button.value = id;
  button.textContent = say("person.take_out");
  form.append(about, button);
  box.append(summary, form);
  return box;
}

function drawNotThem(item: HTMLElement, box: HTMLElement | null): void {
  const before = item.querySelector('[data-part="not-them"]');
  if (box && !before) item.append(box);
  if (box || !before) return;
  const hadFocus = before.contains(document.activeElement);
  before.remove();
  if (!hadFocus) return;
  item.tabIndex = -1;
  item.focus();
}
