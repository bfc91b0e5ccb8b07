/** Where this person reads and where the others do: what their hands make of the page, shown, drawn and followed. */

import { need } from "./boot.js";
import type { Conversation } from "./conversation.js";
import { Hand } from "./hand.js";
import { goToLine, lineHere } from "./lines.js";
import { Marks } from "./marks.js";
import type { PageArea } from "./page.js";
import { nameOf } from "./people.js";
import { Reading } from "./reading.js";
import type { Together } from "./together.js";
import type { FromServer, Here, Place } from "./wire.js";
import type { Say } from "./words.js";

/** While a hand moves the page, the others are shown where so often, at most. In milliseconds. */
const SHOW_EVERY = 250;
const TYPING = "input, textarea, select";

export class Places {
  private readonly reading = new Reading();
  private readonly marks: Marks;
  private readonly hand: Hand;
  private shownAt = -Infinity;

  constructor(
    private readonly conversation: Conversation,
    private readonly together: Together,
    private readonly pages: PageArea,
    say: Say,
    private readonly does: {
      show(place: Place): void;
      /** They moved away again from where they were taken. */
      goAlone(): void;
    },
  ) {
    this.marks = new Marks(need("over"), () => pages.article(), say, () => this.letGo());
    this.hand = new Hand({
      touched: () => together.touched(performance.now()),
      scrolled: () => this.moves(),
      rested: () => this.rests(),
    });
  }

  /** The script is about to move the page: what comes of it is no hand's doing. */
  letGo(): void {
    this.hand.letGo();
  }

  /** Another page comes onto the screen. */
  clear(): void {
    this.marks.only([]);
    this.reading.forget();
  }

  /** Of who is not here, or not along, there is nothing to show. */
  draw(here: readonly Here[]): void {
    this.marks.only(this.together.along ? here.filter(({ along }) => along).map(({ id }) => id) : []);
  }

  heard(placed: FromServer["placed"]): void {
    const { view, window } = this.conversation;
    if (!view || placed.page !== this.pages.shown || !this.together.along) return;
    this.reading.placed(placed, placed.window === window);
    if (placed.by !== view.you) this.marks.put(placed.by, nameOf(view, placed.by), placed.at);
  }

  /** Call this a few times a second: go to where the others read, if that is agreed and nobody is busy here. */
  tick(now: number): void {
    const { view } = this.conversation;
    if (!view) return;
    const on = view.reading.length > 1 && view.reading.includes(view.you) && this.together.along;
    const begins = on && !this.reading.on;
    this.reading.turn(on);
    // The tap of who proposed it made the first place.
    if (begins && view.reading[0] === view.you) this.show(true);
    const article = this.pages.shown === view.page ? this.pages.article() : null;
    const line = article && this.reading.due(now, this.isHeld());
    if (!article || !line) return;
    this.letGo();
    goToLine(article, line);
  }

  /** Whoever writes or has words selected is not moved, though they read together. */
  private isHeld(): boolean {
    return Boolean(document.activeElement?.matches(TYPING)) || !(getSelection()?.isCollapsed ?? true);
  }

  private moves(): void {
    const now = performance.now();
    this.together.touched(now);
    if (this.reading.moves(now)) this.does.goAlone();
    if (now - this.shownAt >= SHOW_EVERY) this.show(false);
  }

  private rests(): void {
    this.reading.rests(performance.now());
    this.show(true);
  }

  private show(resting: boolean): void {
    const [article, page] = [this.pages.article(), this.conversation.view?.page];
    if (!article || !page || page !== this.pages.shown || !this.together.along) return;
    const at = lineHere(article);
    if (!at) return;
    this.shownAt = performance.now();
    this.does.show({ page, at, resting });
  }
}
