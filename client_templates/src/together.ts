/**
 * Which page this window shows, and whether it goes along when another person opens one. Time is passed in, in
 * milliseconds. Nobody who is busy is ever moved, and no time that passes moves a page ([PG5], [PG6]).
 */

/** For so long after somebody typed, touched, scrolled, selected or played, they are busy. */
export const BUSY_FOR = 10_000;

/** Another person has opened a page while this one was busy. */
export interface Card {
  readonly page: string;
  readonly by: string;
}

export class Together {
  /** Whether this window's page goes along; false: it is on its own, and on which page is nobody's business. */
  along: boolean;
  /** The page that belongs on this screen. */
  page: string | null;
  card: Card | null = null;
  private touchedAt = -Infinity;

  /** `common`: the page that is open for all. `own`: where this window was on its own before it was loaded again. */
  constructor(
    private common: string | null,
    own: string | undefined,
    /** *Always ask me*: a card also when there is no reason for one. */
    public asks: boolean,
  ) {
    this.along = own === undefined;
    this.page = own ?? common;
  }

  /** The person did something that nobody may disturb. */
  touched(now: number): void {
    this.touchedAt = now;
  }

  /** The person chose where to go: whoever has just done that waits for a page, and is not busy with this one. */
  moved(): void {
    this.touchedAt = -Infinity;
  }

  busy(now: number): boolean {
    return now - this.touchedAt < BUSY_FOR;
  }

  /** This page is open for all now. `mine`: this person opened it. */
  opened(page: string | null, by: string, mine: boolean, now: number): void {
    if (page === this.common) return;
    this.common = page;
    if (!this.along) return;
    if (page === null || mine || page === this.page || !(this.asks || this.busy(now))) {
      this.card = null;
      this.page = page;
    } else this.card = { page, by };
  }

  /** *Go there*: along again, at the page that is open for all. */
  goAlong(): void {
    this.along = true;
    this.card = null;
    this.page = this.common;
  }

  /** Show `page` here. Another one than all have is looked at alone; and whoever is on their own stays so until they say. */
  goTo(page: string): void {
    if (this.along && page === this.common) this.goAlong();
    else this.goAlone(page);
  }

  /** *On my own*, *Stay here*. */
  goAlone(page: string | null = this.page): void {
    this.along = false;
    this.card = null;
    this.page = page;
  }
}
