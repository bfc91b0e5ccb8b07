/**
 * Reading at one place together: whose place it is, and when to go there. Time is passed in, in milliseconds.
 *
 * Only a hand makes a place. Of two, the one whose hand came to rest last, in the server's order, is the place; the
 * other goes there a second after their own rest. Who then moves away again at once wants to be on their own ([RT4]).
 */

import type { FromServer, Line } from "./wire.js";

/** So long after their own hand came to rest, a person is left where they are. */
export const LEFT_ALONE_FOR = 1_000;
/** A second movement within this time, after having been taken to another's place, means *on my own*. */
export const SECOND_MOVEMENT = 5_000;

export class Reading {
  /** Whether this person reads together with somebody. */
  on = false;
  private order = 0;
  private target: Line | null = null;
  private moving = false;
  private restedAt = -Infinity;
  /** When this person was taken from where their own hand had just brought them. */
  private takenAt = -Infinity;

  /** Begin, or end. What was heard before does not count any more: nobody has agreed to go there. */
  turn(on: boolean): void {
    if (on === this.on) return;
    this.on = on;
    this.forget();
  }

  /** Another page is on the screen. */
  forget(): void {
    this.target = null;
    this.takenAt = -Infinity;
  }

  /** This person's hand moves the page. True: they want to be on their own. */
  moves(now: number): boolean {
    this.moving = true;
    return this.on && now - this.takenAt < SECOND_MOVEMENT;
  }

  /** It has come to rest. */
  rests(now: number): void {
    this.moving = false;
    this.restedAt = now;
  }

  /** Somebody's hand has come to rest; `mine`: that of this window. */
  placed({ at, resting, order }: FromServer["placed"], mine: boolean): void {
    if (!resting || order <= this.order) return;
    this.order = order;
    this.target = mine ? null : at;
  }

  /** Where to go now, if anywhere; it is asked for once. `held`: this person is busy, and is not moved. */
  due(now: number, held: boolean): Line | null {
    if (!this.on || !this.target || this.moving || held || now - this.restedAt < LEFT_ALONE_FOR) return null;
    const target = this.target;
    this.target = null;
    if (now - this.restedAt < SECOND_MOVEMENT) this.takenAt = now;
    return target;
  }
}
