/** The notes on the page: their boxes, whether what was written is saved, who writes, and what was deleted or did not arrive. */

import { Announcer } from "./announcer.js";
import { find, need } from "./boot.js";
import type { Conversation } from "./conversation.js";
import { BOX_BYTES, BOXES, type Box } from "./notes.js";
import { nameOf } from "./people.js";
import { TextBox } from "./textbox.js";
import type { Passage, View } from "./wire.js";
import { refusalKey, type Key, type Say } from "./words.js";
import type { Refused } from "./writing.js";

/** "Sam is writing here" stands for so long after the last letter. */
const WRITES_FOR = 4_000;
/** Said again to screen readers only after so long a break. */
const WRITES_ANEW_AFTER = 60_000;
/** "Saved" comes a moment after the last letter, not between two. */
const SETTLED_AFTER = 1_000;
/** What is left of a box is said when it is less than this, in bytes. */
const LITTLE_LEFT = 20_000;
/** As the server: the others may write on for so long without the person the notes are for. */
const WRITES_ON_FOR = 900_000;

/** Words that did not reach the notes, under the name that the device keeps them by. */
export type Lost = Refused & { readonly id: string };

export interface Acts {
  /** The person has written. */
  wrote(): void;
  removeForGood(passage: string): void;
  /** Words that did not arrive are dealt with: nothing has to be kept of them. */
  dealtWith(id: string): void;
}

interface Parts {
  readonly text: TextBox;
  readonly saved: HTMLElement;
  readonly left: HTMLElement;
  readonly writing: HTMLElement;
  readonly steps: HTMLElement;
  readonly undo: HTMLButtonElement;
  readonly redo: HTMLButtonElement;
  readonly title: string;
}

export class NotesPanel {
  private readonly boxes = new Map<Box, Parts>();
  private readonly announcer = new Announcer(need("notes-said"));
  private readonly lost: Lost[] = [];
  private readonly writers = new Map<Box, Map<string, number>>();
  private readonly saidWriter = new Map<string, number>();
  private readonly unsettled = new Map<Box, number>();
  private readonly awaySince = new Map<string, number>();
  private drawnPassages: readonly Passage[] | null = null;
  private saidState = "";
  /** Whether this device keeps what is not sent yet. */
  keeps = false;

  constructor(
    private readonly conversation: Conversation,
    private readonly say: Say,
    private readonly acts: Acts,
  ) {
    const { notes } = conversation;
    for (const box of BOXES) {
      const place = document.querySelector<HTMLElement>(`[data-box="${box}"]`);
      if (!place) throw new Error(`the page has no box ${box}`);
      const part = (name: string): HTMLElement => place.querySelector<HTMLElement>(`[data-part="${name}"]`) as HTMLElement;
      const area = place.querySelector("textarea") as HTMLTextAreaElement;
      const parts: Parts = {
        text: new TextBox(box, area, notes, (typed) => this.typed(typed)),
        saved: part("saved"),
        left: part("left"),
        writing: part("writing"),
        steps: part("steps"),
        undo: part("undo") as HTMLButtonElement,
        redo: part("redo") as HTMLButtonElement,
        title: place.querySelector("label")?.textContent ?? "",
      };
      parts.undo.addEventListener("click", () => parts.text.undo());
      parts.redo.addEventListener("click", () => parts.text.redo());
      this.boxes.set(box, parts);
    }
    notes.watch((box, steps) => this.boxes.get(box)?.text.show(steps));
    find("mute")?.addEventListener("change", () => this.draw(performance.now()));
  }

  /** Words are in a text box that the notes do not have yet. */
  get composing(): boolean {
    return [...this.boxes.values()].some(({ text }) => text.composing);
  }

  /** Another person has written into a box. */
  heard(box: string, by: string, now: number): void {
    const known = BOXES.find((each) => each === box);
    if (!known) return;
    const writers = this.writers.get(known) ?? new Map<string, number>();
    this.writers.set(known, writers.set(by, now));
    const key = `${box} ${by}`;
    const before = this.saidWriter.get(key) ?? -Infinity;
    this.saidWriter.set(key, now);
    if (now - before < WRITES_ANEW_AFTER || this.muted) return;
    const still = (): boolean => this.writesIn(known, performance.now()).includes(by);
    this.tellOf("notes.writing_in", by, known, now, still);
  }

  /** Somebody has deleted a passage. */
  heardDeleted(box: string, by: string, now: number): void {
    if (by !== this.conversation.view?.you) this.tellOf("notes.passage_deleted", by, box as Box, now);
  }

  /** These did not reach the notes. */
  show(lost: readonly Lost[], now: number): void {
    if (!lost.length) return;
    this.lost.push(...lost);
    this.drawLost();
    this.announcer.say(this.say("notes.lost"), now, () => this.lost.length > 0, true);
  }

  tick(now: number): void {
    this.announcer.tick(now);
    this.draw(now);
  }

  draw(now: number): void {
    const { view } = this.conversation;
    if (!view) return;
    const may = this.mayWrite(view, now);
    for (const [box, parts] of this.boxes) {
      parts.text.area.readOnly = !may;
      write(parts.saved, this.stateOf(box, now));
      write(parts.writing, this.muted ? "" : this.writingIn(box, view, now));
      this.drawLeft(parts);
      const { notes } = this.conversation;
      const [undo, redo] = [notes.can(box, "undo"), notes.can(box, "redo")];
      if (undo || redo) parts.steps.hidden = false;
      setDisabled(parts.undo, !undo || !may);
      setDisabled(parts.redo, !redo || !may);
    }
    if (this.drawnPassages !== view.passages) this.drawPassages(view);
    this.saySaved(now);
  }

  // --- who may write ---

  /** Says on the page, too, why not, and who will read it later. */
  private mayWrite(view: View, now: number): boolean {
    const { here, state } = this.conversation;
    const live = state === "live";
    const users = view.people.filter(({ role, left }) => role === "service_user" && !left);
    for (const { id } of view.people) {
      if (!live || here.some((each) => each.id === id)) this.awaySince.delete(id);
      else if (!this.awaySince.has(id)) this.awaySince.set(id, now);
    }
    const mine = users.some(({ id }) => id === view.you);
    const waitedFor = users.every(({ id }) => now - (this.awaySince.get(id) ?? now) > WRITES_ON_FOR);
    const away = view.people.filter(({ id, left }) => !left && id !== view.you && this.awaySince.has(id));
    let key: Key | null = null;
    if (!users.length) key = view.people.some(({ role, left }) => role === "service_user" && left) ? "notes.gone" : "notes.alone";
    else if (!mine && waitedFor) key = "notes.away_long";
    else if (away.length) key = "notes.away";
    const names = !users.length || key === "notes.away_long" ? view.people.filter(({ role }) => role === "service_user") : away;
    const place = need("notes-who");
    place.hidden = key === null;
    write(place, key === null ? "" : this.say(key, { name: names.map(({ name }) => name).join(", ") }));
    return users.length > 0 && (mine || !waitedFor);
  }

  // --- whether it is saved ---

  private typed(box: Box): void {
    const now = performance.now();
    this.unsettled.set(box, now);
    this.acts.wrote();
    this.draw(now);
  }

  private stateOf(box: Box, now: number): string {
    const at = this.unsettled.get(box);
    if (at === undefined) return "";
    const { writing, notes, state } = this.conversation;
    const open = this.boxes.get(box)?.text.composing || notes.writes === box;
    const unsent = writing.unsent.filter((each) => each.box === box);
    if (state !== "live") {
      if (!this.keeps) return this.say("notes.not_kept");
      return open || !writing.areKept(unsent) ? this.say("notes.saving") : this.say("notes.kept_here");
    }
    return open || unsent.length || now - at < SETTLED_AFTER ? this.say("notes.saving") : this.say("notes.saved");
  }

  /** For those who do not see it: only what matters, and only when it has changed. */
  private saySaved(now: number): void {
    const waits = this.conversation.writing.unsent.length > 0;
    const state = !waits ? "notes.saved" : this.conversation.state === "live" ? "" : this.keeps ? "notes.kept_here" : "notes.not_kept";
    if (state === "" || state === this.saidState) return;
    const before = this.saidState;
    this.saidState = state;
    if (before !== "" || state !== "notes.saved") this.announcer.say(this.say(state), now, () => this.saidState === state);
  }

  private drawLeft({ text, left }: Parts): void {
    // Most boxes are nearly empty, and counting bytes takes its time.
    const { length } = text.area.value;
    const used = length * 3 < BOX_BYTES - LITTLE_LEFT ? 0 : new TextEncoder().encode(text.area.value).length;
    const rest = BOX_BYTES - used;
    left.hidden = rest > LITTLE_LEFT;
    write(left, left.hidden ? "" : this.say(rest > 0 ? "notes.left" : "notes.full", { count: String(Math.max(0, rest)) }));
  }

  // --- who writes ---

  private get muted(): boolean {
    return (find("mute") as HTMLInputElement | null)?.checked ?? false;
  }

  private writesIn(box: Box, now: number): string[] {
    return [...(this.writers.get(box) ?? [])].filter(([, at]) => now - at < WRITES_FOR).map(([by]) => by);
  }

  private writingIn(box: Box, view: View, now: number): string {
    const names = this.writesIn(box, now).map((by) => nameOf(view, by));
    return names.length ? this.say("notes.writing_here", { name: names.join(", ") }) : "";
  }

  private tellOf(key: Key, by: string, box: Box, now: number, still?: () => boolean): void {
    const { view } = this.conversation;
    if (!view) return;
    this.announcer.say(this.say(key, { name: nameOf(view, by), box: this.boxes.get(box)?.title ?? "" }), now, still);
  }

  // --- what was deleted ---

  private drawPassages(view: View): void {
    this.drawnPassages = view.passages;
    const list = need("deleted-list");
    const known = new Map([...list.children].map((item) => [(item as HTMLElement).dataset["passage"], item]));
    const section = need("deleted");
    for (const [id, item] of known) {
      if (view.passages.some((each) => each.id === id)) continue;
      const hadFocus = item.contains(document.activeElement);
      item.remove();
      if (hadFocus) (list.querySelector<HTMLElement>("button") ?? document.getElementById("notes-title"))?.focus();
    }
    for (const passage of view.passages) if (!known.has(passage.id)) list.prepend(this.passageItem(passage, view));
    section.hidden = !view.passages.length;
  }

  private passageItem(passage: Passage, view: View): HTMLElement {
    const item = element("li", "");
    item.dataset["passage"] = passage.id;
    const about = element("p", this.say("notes.passage", {
      box: this.boxes.get(passage.box as Box)?.title ?? "",
      writers: passage.writers.map((each) => nameOf(view, each)).join(", "),
      by: nameOf(view, passage.by),
    }));
    about.className = "quiet";
    const words = element("blockquote", passage.text);
    words.tabIndex = 0;
    const row = element("div", "");
    row.className = "row";
    row.append(button(this.say("notes.bring_back"), () => this.bringBack(passage)));
    const mine = passage.writers.includes(view.you);
    const user = view.people.some(({ id, role }) => id === view.you && role === "service_user");
    item.append(words, about, row);
    if (mine && (passage.writers.length === 1 || user)) {
      const box = element("details", "");
      const yes = button(this.say("notes.remove_yes"), () => this.acts.removeForGood(passage.id));
      box.append(element("summary", this.say("notes.remove_for_good")), element("p", this.say("notes.remove_about")), yes);
      item.append(box);
    }
    return item;
  }

  private bringBack(passage: Passage): void {
    const box = BOXES.find((each) => each === passage.box);
    const { notes, writing } = this.conversation;
    const onItsWay = writing.unsent.some(({ back }) => back === passage.id);
    if (!box || onItsWay || this.boxes.get(box)?.text.area.readOnly) return;
    notes.put(box, notes.placeOf(box, passage.place), passage.text, performance.now(), passage.id);
    this.typed(box);
  }

  // --- what did not arrive ---

  private drawLost(): void {
    const { view } = this.conversation;
    const list = need("lost-list");
    list.replaceChildren(...this.lost.map((each) => this.lostItem(each)));
    need("lost").hidden = !this.lost.length || !view;
  }

  private lostItem(lost: Lost): HTMLElement {
    const item = element("li", "");
    const about = element("p", `${this.boxes.get(lost.box)?.title ?? ""}. ${this.say(refusalKey(lost.code))}`);
    about.className = "quiet";
    const words = element("blockquote", lost.text);
    words.tabIndex = 0;
    const row = element("div", "");
    row.className = "row";
    row.append(
      copying(this.say("notes.copy"), this.say("notes.copied"), lost.text),
      button(this.say("notes.put_in_again"), () => this.putInAgain(lost)),
      button(this.say("notes.delete"), () => this.dealtWith(lost)),
    );
    item.append(words, about, row);
    return item;
  }

  private putInAgain(lost: Lost): void {
    const parts = this.boxes.get(lost.box);
    if (!parts || parts.text.area.readOnly || parts.text.composing) return;
    const { notes } = this.conversation;
    const text = notes.text(lost.box);
    notes.put(lost.box, text.length, (text && !text.endsWith("\n") ? "\n" : "") + lost.text, performance.now());
    this.typed(lost.box);
    this.dealtWith(lost);
    parts.text.area.focus();
  }

  private dealtWith(lost: Lost): void {
    this.lost.splice(this.lost.indexOf(lost), 1);
    this.drawLost();
    this.acts.dealtWith(lost.id);
    if (this.lost.length) document.getElementById("lost-title")?.focus();
    else document.getElementById("notes-title")?.focus();
  }
}

/** A button that copies words, and says that it has. */
export function copying(label: string, done: string, words: string): HTMLButtonElement {
  const copy = button(label, () => {
    void navigator.clipboard?.writeText(words).then(() => (copy.textContent = done));
  });
  copy.hidden = !navigator.clipboard;
  return copy;
}

export function button(label: string, act: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

export function element(name: string, words: string): HTMLElement {
  const made = document.createElement(name);
  if (words) made.textContent = words;
  return made;
}

function write(place: HTMLElement, words: string): void {
  if (place.textContent !== words) place.textContent = words;
}

/** A button that goes out while it is pressed keeps the keyboard: `aria-disabled` says the same. */
function setDisabled(made: HTMLButtonElement, off: boolean): void {
  made.setAttribute("aria-disabled", String(off));
}
