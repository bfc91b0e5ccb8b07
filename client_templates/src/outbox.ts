/**
 * What this window has asked for and has no answer to yet. Time is passed in, in milliseconds.
 *
 * A command keeps its number however often it is sent, so the server carries it out once. Moves are worth something
 * only at once: after 5 s they are dropped, and the person is told. What protects is sent until it is answered.
 */

import type { Command } from "./wire.js";

export const IN_FLIGHT = 8;
export const MOVE_LIVES = 5_000;
export const ASK_AGAIN_AFTER = 4_000;
const MOVES: readonly string[] = ["turn_page", "suggest"];
const BACK_OFF_FIRST = 250;
const BACK_OFF_MOST = 2_000;

export interface Numbered {
  readonly number: number;
  readonly command: Command;
}

interface Waiting extends Numbered {
  readonly since: number;
  /** When it was last sent on this connection; null: not sent yet. */
  sentAt: number | null;
  /** Not to be sent before this time, because the server said `again`. */
  notBefore: number;
  refusedForNow: number;
}

export class Outbox {
  private waiting: Waiting[] = [];
  private last = 0;

  get pending(): readonly Numbered[] {
    return this.waiting;
  }

  add(command: Command, now: number): number {
    this.last += 1;
    this.waiting.push({ number: this.last, command, since: now, sentAt: null, notBefore: 0, refusedForNow: 0 });
    return this.last;
  }

  /** The command is answered. Undefined: it was answered before, or dropped. */
  answered(number: number): Numbered | undefined {
    const found = this.waiting.find((each) => each.number === number);
    this.waiting = this.waiting.filter((each) => each !== found);
    return found;
  }

  /** The server can not say yet: the same number again, later and later. */
  again(number: number, now: number): void {
    const found = this.waiting.find((each) => each.number === number);
    if (!found) return;
    found.notBefore = now + Math.min(BACK_OFF_MOST, BACK_OFF_FIRST * 2 ** found.refusedForNow);
    found.refusedForNow += 1;
    found.sentAt = null;
  }

  /** Of this nothing is wanted any more, or it is sent under another number. */
  forget(numbers: readonly number[]): void {
    this.waiting = this.waiting.filter(({ number }) => !numbers.includes(number));
  }

  /** A new connection: nothing has been sent on it. `last` is the highest number the server has seen of this window. */
  reconnected(last: number): void {
    this.last = Math.max(this.last, last);
    for (const each of this.waiting) each.sentAt = null;
  }

  /** Moves that have waited too long. They are no longer sent; whether one happened, the view shows. */
  dropOld(now: number): readonly Numbered[] {
    const old = this.waiting.filter((each) => MOVES.includes(each.command.type) && now - each.since >= MOVE_LIVES);
    this.waiting = this.waiting.filter((each) => !old.includes(each));
    return old;
  }

  /** What to send now, in order. Call it only while the connection is welcome. */
  due(now: number): readonly Numbered[] {
    const due: Waiting[] = [];
    let inFlight = 0;
    for (const each of this.waiting) {
      // Nothing overtakes a command that has to wait: a number that was jumped over comes to nothing.
      if (inFlight >= IN_FLIGHT || each.notBefore > now) break;
      inFlight += 1;
      if (each.sentAt === null || now - each.sentAt >= ASK_AGAIN_AFTER) due.push(each);
    }
    for (const each of due) each.sentAt = now;
    return due;
  }

  clear(): void {
    this.waiting = [];
  }
}
