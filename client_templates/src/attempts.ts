/**
 * When to try to connect, and by which way. Pure: time (milliseconds) and chance are passed in.
 *
 * A WebSocket can be refused, hang for ever, or open and stay silent, and the library beneath never gives one up. So:
 * an attempt that has no welcome after a while is abandoned, and the next begins before that, because when a network
 * comes back only a fresh connection is quick. A WebSocket that let us down twice gives way to long-polling.
 */

export type Way = "websocket" | "polling";

export interface Attempt {
  readonly way: Way;
  readonly startedAt: number;
  /** Ask by a plain request first whether anything comes through. */
  readonly knocks: boolean;
}

export interface Steps {
  readonly open: readonly Attempt[];
  readonly abandon: readonly Attempt[];
}

export const LIVES = { websocket: 4_000, polling: 6_000 } as const;
export const NEXT_BEGINS_AFTER = 2_000;
/** A WebSocket that has lived this long works here: whatever ends it, it is not the way it was made. */
export const PROVEN_AFTER = 30_000;
const BLAME = 2;
/**
 * After so many failures in a row a WebSocket is opened only when a plain request has come through. Chromium holds a
 * WebSocket back for up to 5 s when many before it failed (its WebSocketThrottler), and a network that comes back after
 * a minute would find it waiting.
 */
const KNOCK_AFTER = 4;
const AT_ONCE_MOST = 3;
/** An attempt this young has not had its chance yet, even when everything hurries. */
const YOUNG = 1_000;
const WAIT_FIRST = 150;
const WAIT_MOST = 1_500;

export class Attempts {
  private open: readonly Attempt[] = [];
  private live: { readonly attempt: Attempt; readonly since: number } | null = null;
  private nextAt = 0;
  private inARow = 0;
  private strikes = 0;
  /** How often in a row a WebSocket was cut young; and whether one ever got a welcome on this page. */
  private cutYoung = 0;
  private worked = false;

  /** `pollingOnly`: what an earlier load of this page in this tab found out. `chance`: 0 to 1. */
  constructor(
    public pollingOnly: boolean,
    private readonly chance: () => number,
  ) {}

  tick(now: number): Steps {
    if (this.live) return { open: [], abandon: [] };
    const abandon = this.open.filter((each) => now - each.startedAt >= LIVES[each.way]);
    for (const each of abandon) this.letDown(each, BLAME, now);
    if (now < this.nextAt || this.open.length >= AT_ONCE_MOST) return { open: [], abandon };
    const way = this.way();
    const attempt: Attempt = { way, startedAt: now, knocks: way === "websocket" && this.inARow >= KNOCK_AFTER };
    this.open = [...this.open, attempt];
    this.nextAt = now + NEXT_BEGINS_AFTER;
    return { open: [attempt], abandon };
  }

  /** An attempt ended by itself, without a welcome. */
  closed(attempt: Attempt, now: number): void {
    if (this.open.includes(attempt)) this.letDown(attempt, 1, now);
  }

  /** Nobody answered the knock: there is no way at all just now, and no WebSocket is to blame for it. */
  unanswered(attempt: Attempt, now: number): void {
    if (this.open.includes(attempt)) this.letDown(attempt, 0, now);
  }

  /** The server welcomed us on this attempt. The others are to be abandoned. */
  welcomed(attempt: Attempt, now: number): Steps {
    const abandon = this.open.filter((each) => each !== attempt);
    if (attempt.way === "websocket") this.worked = true;
    // One that worked before and lets us down now tells of a network that is gone, not of one without WebSockets.
    else if (this.cutYoung >= BLAME || (this.strikes >= BLAME && !this.worked)) this.pollingOnly = true;
    this.open = [];
    this.live = { attempt, since: now };
    this.inARow = 0;
    return { open: [], abandon };
  }

  /** The live connection is gone. `itsFault`: nothing explains it but the way it was made. */
  lost(now: number, itsFault: boolean): void {
    if (!this.live) return;
    const { attempt, since } = this.live;
    this.live = null;
    this.strikes = 0;
    if (attempt.way === "websocket") {
      this.cutYoung = itsFault && now - since < PROVEN_AFTER ? this.cutYoung + 1 : 0;
    }
    this.nextAt = this.cutYoung >= BLAME ? now : now + this.wait();
  }

  /** The network may have come back this moment: what hangs is abandoned without blame, and the next begins at once. */
  hurry(now: number): Steps {
    const abandon = this.open.filter((each) => now - each.startedAt >= YOUNG);
    this.open = this.open.filter((each) => !abandon.includes(each));
    this.inARow = 0;
    if (!this.open.length) this.nextAt = now;
    return { open: [], abandon };
  }

  /** No attempt goes on. */
  stop(): Steps {
    const abandon = this.open;
    this.open = [];
    return { open: [], abandon };
  }

  private way(): Way {
    return this.pollingOnly || this.cutYoung >= BLAME || this.strikes >= BLAME ? "polling" : "websocket";
  }

  private letDown(attempt: Attempt, strikes: number, now: number): void {
    this.open = this.open.filter((each) => each !== attempt);
    this.inARow += 1;
    // Where long-polling does not come through either, the WebSocket was not to blame.
    this.strikes = attempt.way === "polling" ? 0 : this.strikes + strikes;
    const changesWay = attempt.way === "websocket" && this.way() === "polling";
    this.nextAt = changesWay ? now : Math.min(this.nextAt, now + this.wait());
  }

  private wait(): number {
    return Math.min(WAIT_MOST, WAIT_FIRST * 2 ** this.inARow) * (0.7 + 0.6 * this.chance());
  }
}
