/** The desk and the pages of the rooms: whoever comes to the door is heard and shown without loading the page again. */

import { find } from "./boot.js";
import { fragment } from "./fragment.js";
import { sayTimes } from "./times.js";

interface Door {
  readonly count: number;
  readonly mark: string;
}

const ASK_EVERY = 3_000;
const ANSWER_LIVES = 6_000;
const NOTES = [660, 880];
const NOTE_LASTS = 0.18;

class DoorOfTheDesk {
  /** The mark of what is drawn, as far as that is sure; empty is the mark of a door where nobody waits. */
  private drawn = document.querySelector("[data-arrival]") ? null : "";
  private readonly title = document.title;
  private asking = false;
  /** Who waited when it was last asked, be they drawn yet or not. */
  private heardOf: Set<string> | null = null;

  start(): void {
    void this.ask();
    setInterval(() => void this.ask(), ASK_EVERY);
  }

  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      const door = (await (await get("/desk/arrivals")).json()) as Door;
      document.title = door.count ? `(${door.count}) ${this.title}` : this.title;
      if (door.mark !== this.drawn) this.drawn = (await this.drawnAnew()) ? door.mark : null;
      this.hear(idsIn(door.mark));
      known(true);
    } catch {
      known(false); // What is shown may not be true any more. It is asked again.
    } finally {
      this.asking = false;
    }
  }

  private hear(waiting: Set<string>): void {
    const before = this.heardOf;
    this.heardOf = waiting;
    if (before === null || [...waiting].every((id) => before.has(id))) return;
    try {
      chime();
    } catch {
      // A browser without sound: the number in the title has to do.
    }
  }

  /** Only the door is drawn anew. The part of it that is being used stays as it is: then it is tried again. */
  private async drawnAnew(): Promise<boolean> {
    const page = fragment(await (await get(location.pathname)).text());
    const [section, fresh] = [find("arrivals"), page.querySelector<HTMLElement>('[data-copage="arrivals"]')];
    if (!section || !fresh) return true;
    const used = arrivalsIn(section).find((each) => each.contains(document.activeElement));
    for (const each of arrivalsIn(section)) takeOver(each, sameIn(fresh, each));
    for (const each of [...section.children]) if (each !== used) each.remove();
    const place = used && sameIn(fresh, used);
    let before = used !== undefined;
    for (const each of [...fresh.children]) {
      if (each === place) before = false;
      else if (before) used?.before(each);
      else section.append(each);
    }
    sayTimes();
    return used === undefined;
  }
}

/** Say whether it is known who waits. */
function known(known: boolean): void {
  const words = find("door-unknown");
  if (words) words.hidden = known;
}

/** Who a mark is about: of each, eight letters of an id, then whether their page is open. */
function idsIn(mark: string): Set<string> {
  return new Set(mark.split(".").filter(Boolean).map((each) => each.slice(0, 8)));
}

function arrivalsIn(section: HTMLElement): HTMLElement[] {
  return [...section.querySelectorAll<HTMLElement>("[data-arrival]")];
}

function sameIn(section: HTMLElement, arrival: HTMLElement): HTMLElement | undefined {
  return arrivalsIn(section).find((each) => each.dataset["arrival"] === arrival.dataset["arrival"]);
}

/** What was opened stays open, and what was written stays written. */
function takeOver(from: HTMLElement, into: HTMLElement | undefined): void {
  for (const { dataset } of from.querySelectorAll<HTMLElement>("details[open]")) {
    into?.querySelector(`[data-part="${dataset["part"]}"]`)?.setAttribute("open", "");
  }
  const [written, field] = [from.querySelector("input"), into?.querySelector("input")];
  if (written && field && written.value !== written.defaultValue) field.value = written.value;
}

async function get(address: string): Promise<Response> {
  const signal = AbortSignal.timeout(ANSWER_LIVES);
  const response = await fetch(address, { cache: "no-store", redirect: "manual", signal });
  if (response.type === "opaqueredirect") location.reload(); // Signed out: the page itself leads to where to sign in.
  if (!response.ok) throw new Error(`${address} answered ${response.status}`);
  return response;
}

/** Two notes. A browser that has not been touched yet stays silent: then the number in the title has to do. */
function chime(): void {
  const sound = new AudioContext();
  for (const [nth, pitch] of NOTES.entries()) {
    const [note, loudness, from] = [sound.createOscillator(), sound.createGain(), sound.currentTime + nth * NOTE_LASTS];
    note.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.15, from);
    loudness.gain.linearRampToValueAtTime(0, from + NOTE_LASTS);
    note.connect(loudness).connect(sound.destination);
    note.start(from);
    note.stop(from + NOTE_LASTS);
  }
  setTimeout(() => void sound.close(), 2_000);
}

if (find("arrivals")) new DoorOfTheDesk().start();
