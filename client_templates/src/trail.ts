/**
 * The places this person opened in this tab, for *Back*. The browser's history holds only numbers into this list: what
 * stays behind in it after leaving names no page.
 */

export interface Place {
  readonly page: string;
  y: number;
}

export class Trail {
  private constructor(
    public places: Place[],
    public at: number,
  ) {}

  /** A new trail, or the one that this tab kept over a refresh. `at` is the number in the current history entry. */
  static from(kept: readonly Place[] | undefined, at: unknown, page: string): Trail {
    const place = typeof at === "number" ? kept?.[at] : undefined;
    return place && kept ? new Trail([...kept], at as number) : new Trail([{ page, y: 0 }], 0);
  }

  get current(): Place {
    const place = this.places[this.at];
    if (!place) throw new Error("the trail ends before its own place");
    return place;
  }

  /** Whether *Back* would lead anywhere: a place before, or my own place when another person took us elsewhere. */
  canGoBack(page: string | null): boolean {
    return this.at > 0 || this.current.page !== page;
  }

  /** I opened a page: what was ahead of me is gone. */
  went(page: string): void {
    this.places = [...this.places.slice(0, this.at + 1), { page, y: 0 }];
    this.at += 1;
  }

  /** The browser went to entry `at` of its history. Undefined: not one of ours. */
  goTo(at: unknown): Place | undefined {
    const place = typeof at === "number" ? this.places[at] : undefined;
    if (place) this.at = at as number;
    return place;
  }
}
