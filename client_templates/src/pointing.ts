/**
 * Who points where, without a page: what of one's own pointer is sent and when, and what is known of the others'. Time is
 * passed in, in milliseconds.
 */

import type { At, FromServer, Point } from "./wire.js";

/** Updates are at least so far apart: about thirty a second. */
export const SEND_EVERY = 33;
/** A pointer that is still for so long is taken away. */
export const FADES_AFTER = 4_000;
/** A point that was tapped stays for so long. */
export const STAYS_FOR = 20_000;

interface Heard {
  readonly point: FromServer["pointed"];
  readonly until: number;
}

export class Pointing {
  /** *Hide mine*. */
  hidesMine = false;
  /** *Hide theirs*. */
  hidesTheirs = false;
  /** What was sent last and still stands; `seenBy`: who has it in sight. */
  mine: (Point & { readonly until: number; readonly seenBy: readonly string[] }) | null = null;
  private wanted: { readonly page: string; readonly at: At | null; readonly tapped: boolean } | null = null;
  private sentAt = -Infinity;
  private number = 0;
  private readonly heard = new Map<string, Heard>();
  private readonly answered = new Map<string, number>();

  /**
   * A mouse or pen is over this spot, or over none. A point that was tapped stays until another one is tapped, or the
   * mouse is over another block: a hand that holds a mouse is never quite still.
   */
  moves(page: string, at: At | null, now: number): void {
    if (this.wanted?.tapped && this.wanted.at?.[0] === at?.[0]) return;
    if (this.mine?.tapped && now < this.mine.until && (!at || at[0] === this.mine.at?.[0])) return;
    this.wanted = { page, at, tapped: false };
  }

  /** Somebody tapped this spot, or chose it by keyboard. */
  taps(page: string, at: At): void {
    this.wanted = { page, at, tapped: true };
  }

  /** Nothing of this person's is to be seen any more: they hide it, are on their own, or the page is another. */
  stops(): void {
    this.wanted = this.mine ? { page: this.mine.page, at: null, tapped: false } : null;
  }

  /** What to send now. `may`: whether this window is along, on the page that is open for all. */
  due(now: number, may: boolean): Point | null {
    if (this.mine && now >= this.mine.until) this.stops();
    const wanted = this.wanted;
    if (!wanted || now - this.sentAt < SEND_EVERY) return null;
    this.wanted = null;
    const at = may && !this.hidesMine ? wanted.at : null;
    if (!at && !this.mine) return null;
    if (at && this.mine?.at && !wanted.tapped && !this.mine.tapped && sameSpot(at, this.mine.at)) return null;
    this.sentAt = now;
    const point: Point = { page: wanted.page, at, tapped: at !== null && wanted.tapped, number: (this.number += 1) };
    this.mine = at ? { ...point, until: now + (point.tapped ? STAYS_FOR : FADES_AFTER), seenBy: [] } : null;
    return point;
  }

  /** Whether `due` has to be asked again soon. */
  get waits(): boolean {
    return this.wanted !== null || this.mine !== null;
  }

  /** Another person points somewhere, or nowhere any more. */
  hears(point: FromServer["pointed"], now: number): void {
    if (point.at) this.heard.set(point.by, { point, until: now + (point.tapped ? STAYS_FOR : FADES_AFTER + 1_000) });
    else this.heard.delete(point.by);
  }

  /** `by` has the point with this number in sight: true when that is news. */
  isSeen({ by, number }: FromServer["seen"]): boolean {
    if (!this.mine?.tapped || this.mine.number !== number || this.mine.seenBy.includes(by)) return false;
    this.mine = { ...this.mine, seenBy: [...this.mine.seenBy, by] };
    return true;
  }

  /** What the others point at on this page, by person. `here`: who is in the session, along. */
  theirs(page: string, here: readonly string[], now: number): readonly FromServer["pointed"][] {
    for (const [by, { point, until }] of this.heard) {
      if (now >= until || !here.includes(by) || point.page !== page) this.heard.delete(by);
    }
    return this.hidesTheirs ? [] : [...this.heard.values()].map(({ point }) => point);
  }

  /** The tapped point of theirs is in sight here. True the first time: then they are told so. */
  sees({ by, number, tapped }: FromServer["pointed"]): boolean {
    if (!tapped || this.answered.get(by) === number) return false;
    this.answered.set(by, number);
    return true;
  }
}

function sameSpot(one: At, other: At): boolean {
  return one.every((part, nth) => part === other[nth]);
}
