/**
 * What this window has written and the server has not acknowledged: in which order it is kept, sent, and what comes of it.
 * `notes.ts` has the words, `outbox.ts` the numbers.
 *
 * A piece is sent once it is kept on the device. It is answered in one of three ways ([NT4]): it arrived; it has to be
 * sent again from a clock on; or it never will be taken, and its words go back to the person.
 */

import { toBase64 } from "./base64.js";
import { firstTogether, type Box, type Notes, type Offer, type Words } from "./notes.js";
import type { Outbox } from "./outbox.js";

/** Words that did not reach the notes, and why: a code of the protocol, or of the end of this window. */
export interface Refused {
  readonly box: Box;
  readonly text: string;
  readonly code: string;
}

/** Milliseconds between two sendings: what is written meanwhile goes together. */
export const SEND_EVERY = 80;
/** So many writing commands are on the way at once; what waits longer is sent as one. */
const AT_ONCE = 4;

export class Writing {
  /** In the order in which they were written. What another window left behind comes first. */
  private waiting: Words[] = [];
  private readonly keptIds = new Set<string>();
  private readonly onTheWay = new Map<number, { readonly words: readonly Words[]; readonly takenOver: boolean }>();
  private forgotten: string[] = [];
  private back: Refused[] = [];
  private sentAt = -Infinity;
  /** How often what the person saw was not what the server had. */
  faults = 0;

  constructor(
    private readonly notes: Notes,
    private readonly outbox: Outbox,
  ) {}

  /** What is not on the server's disk yet, as far as this window knows. */
  get unsent(): readonly Words[] {
    return [...[...this.onTheWay.values()].flatMap(({ words }) => words), ...this.waiting];
  }

  /** Whether all of these are kept on the device. */
  areKept(words: readonly Words[]): boolean {
    return words.every(({ id }) => this.keptIds.has(id));
  }

  collect(): readonly Words[] {
    const words = this.notes.collect();
    this.waiting.push(...words);
    return words;
  }

  kept(ids: readonly string[]): void {
    for (const id of ids) this.keptIds.add(id);
  }

  /** What another window of this person left behind, in its order: it is kept already. */
  takeOver(words: readonly Words[]): void {
    this.kept(words.map(({ id }) => id));
    this.waiting = [...words, ...this.waiting];
  }

  /** Number what may be sent. */
  send(now: number): void {
    if (now - this.sentAt < SEND_EVERY) return;
    while (this.onTheWay.size < AT_ONCE && this.waiting[0] && this.keptIds.has(this.waiting[0].id)) {
      this.sentAt = now;
      const ready = this.waiting.findIndex(({ id }) => !this.keptIds.has(id));
      const { box, client, back } = this.waiting[0];
      const { count, update } = firstTogether(ready < 0 ? this.waiting : this.waiting.slice(0, ready));
      const takenOver = client !== this.notes.client;
      const number = this.outbox.add(
        // The server looks for the beginning of a long command: the type, and then the rest.
        { type: "write", box, update: toBase64(update), ...(takenOver && { taken_over: true }), ...(back && { back }) },
        now,
      );
      this.onTheWay.set(number, { words: this.waiting.splice(0, count), takenOver });
    }
  }

  /** Whether the event that answers this number is what this window wrote itself. */
  isOwn(number: number): boolean {
    const sent = this.onTheWay.get(number);
    return sent !== undefined && !sent.takenOver;
  }

  arrived(number: number): void {
    for (const { id } of this.onTheWay.get(number)?.words ?? []) this.forget(id);
    this.onTheWay.delete(number);
  }

  renumbered(number: number, again: number): void {
    const sent = this.onTheWay.get(number);
    this.onTheWay.delete(number);
    if (sent) this.onTheWay.set(again, sent);
  }

  /** The server wants what was written under this id from `clock` on. */
  fromClock(number: number, clock: number): void {
    const sent = this.onTheWay.get(number);
    const first = sent?.words[0];
    if (!sent || !first) return;
    const later = this.takeBack(({ client }) => client === first.client);
    const left = later.filter((each) => !each.length || each.clock + each.length > clock);
    for (const { id } of later.filter((each) => !left.includes(each))) this.forget(id);
    const next = left.find(({ length }) => length);
    this.waiting = [...left, ...this.waiting];
    if (next && next.clock !== clock) this.neverUnder(first.client, "gap");
  }

  refused(number: number, code: string): void {
    const sent = this.onTheWay.get(number);
    const first = sent?.words[0];
    if (!sent || !first) return;
    this.neverUnder(first.client, code);
  }

  /** The server has sent all that it has. */
  replaced(words: string): void {
    const { client } = this.notes;
    const lost = this.notes.replaced(words, this.unsent);
    if (lost) this.giveBack(client, lost, "gap");
  }

  /** With nothing on the way, what the person sees has to be what the server has. */
  compare(): void {
    if (!this.unsent.length && !this.notes.isAtRest()) this.faults += 1;
  }

  /** This window is over: what has not arrived never will. Who has left wanted nothing to stay. */
  end(why: string): void {
    this.waiting.push(...this.notes.collect());
    const unsent = this.unsent;
    if (!unsent.length) return;
    for (const client of new Set(unsent.map((each) => each.client))) {
      const theirs = unsent.filter((each) => each.client === client);
      const offers = why === "left" ? [] : client === this.notes.client ? this.notes.giveUp() : this.notes.read(theirs);
      this.back.push(...offers.map((offer) => ({ ...offer, code: why })));
    }
    for (const { id } of unsent) this.forget(id);
    this.waiting = [];
    this.onTheWay.clear();
  }

  /** What has come of things since the last time. */
  outcome(): { readonly forget: readonly string[]; readonly refused: readonly Refused[] } {
    const outcome = { forget: this.forgotten, refused: this.back };
    this.forgotten = [];
    this.back = [];
    return outcome;
  }

  /** Nothing more under this id is ever taken. */
  private neverUnder(client: number, code: string): void {
    const own = client === this.notes.client;
    // What is typed and not collected yet stands under the same id.
    if (own) this.waiting.push(...this.notes.collect());
    const unsent = this.unsent.filter((each) => each.client === client);
    // What two brought back at once is there: the second one has lost nothing.
    const there = code === "already_back" ? this.notes.textOf(unsent.filter(({ back }) => back)) : [];
    const offers = own ? this.notes.giveUp() : this.notes.read(unsent);
    this.giveBack(client, offers.filter(({ text }) => !there.includes(text)), code);
  }

  private giveBack(client: number, offers: readonly Offer[], code: string): void {
    for (const { id } of this.takeBack((each) => each.client === client)) this.forget(id);
    this.back.push(...offers.map((offer) => ({ ...offer, code })));
  }

  /** Out of what waits and is on the way; nothing of it is sent again. */
  private takeBack(which: (words: Words) => boolean): readonly Words[] {
    const taken: Words[] = [];
    for (const [number, { words }] of [...this.onTheWay]) {
      if (!words[0] || !which(words[0])) continue;
      taken.push(...words);
      this.onTheWay.delete(number);
      this.outbox.forget([number]);
    }
    taken.push(...this.waiting.filter(which));
    this.waiting = this.waiting.filter((each) => !which(each));
    return taken;
  }

  private forget(id: string): void {
    this.keptIds.delete(id);
    this.forgotten.push(id);
  }
}
