/** Pointing on this page: what hands do becomes spots that are sent, and the others' spots become something to see. */

import { firstWords, spotAt, spotOfWord, wordsAt } from "./anchor.js";
import { need } from "./boot.js";
import type { Conversation, Shown } from "./conversation.js";
import type { PageArea } from "./page.js";
import { nameOf } from "./people.js";
import { PointerLayer, type Drawn } from "./pointer_layer.js";
import { Pointing } from "./pointing.js";
import type { Together } from "./together.js";
import type { At, FromServer, InPassing } from "./wire.js";
import type { Say } from "./words.js";

/** What a tap does something else on. */
const CONTROLS = "a, button, summary, input, textarea, select, label";
/** A finger that moves further than this, in pixels, scrolls; one that rests longer, in milliseconds, selects. */
const A_TAP_MOVES = 10;
const A_TAP_TAKES = 500;

export class Pointers {
  private readonly pointing = new Pointing();
  private readonly layer: PointerLayer;
  private readonly hereButton = need("point-here") as HTMLButtonElement;
  private readonly where = need("where-others-point");
  private down: { readonly x: number; readonly y: number; readonly at: number } | null = null;
  private over: { readonly x: number; readonly y: number } | null = null;
  private asked = false;
  private sending: ReturnType<typeof setTimeout> | undefined;
  /** On which page this window points; null: on none, because it is not where the others are. */
  private page: string | null = null;
  /** By keyboard: the number of the word, counted from the first of the page. Null: not pointing by keyboard. */
  private word: number | null = null;

  constructor(
    private readonly conversation: Conversation,
    private readonly together: Together,
    private readonly pages: PageArea,
    private readonly say: Say,
    private readonly does: { send(message: InPassing): void; goes(): void; said(words: string): void },
  ) {
    this.layer = new PointerLayer(need("pointers"), need("over"), () => pages.article(), {
      goes: () => does.goes(),
      inSight: (people) => this.tellSeen(people),
    });
    const passive = { passive: true } as const;
    document.addEventListener("pointermove", (event) => this.moved(event), passive);
    document.addEventListener("pointerdown", (event) => (this.down = { x: event.clientX, y: event.clientY, at: event.timeStamp }), passive);
    document.addEventListener("click", (event) => this.tapped(event), passive);
    document.documentElement.addEventListener("pointerleave", () => this.isOver(null), passive);
    this.hereButton.addEventListener("click", () => this.byKeyboard(this.word === null));
    this.hereButton.addEventListener("keydown", (event) => this.keyed(event));
    this.hereButton.addEventListener("blur", () => this.byKeyboard(false));
    need("where-they-point").addEventListener("click", () => this.tellWhere());
    for (const [name, set] of [
      ["hide-mine", (hides: boolean) => this.hideMine(hides)],
      ["hide-theirs", (hides: boolean) => (this.pointing.hidesTheirs = hides)],
    ] as const) {
      const box = need(name) as HTMLInputElement;
      box.addEventListener("change", () => {
        set(box.checked);
        this.draw();
      });
    }
  }

  heard([name, payload]: Shown): void {
    if (name === "pointed") this.pointing.hears(payload, performance.now());
    else if (name === "seen" && this.pointing.isSeen(payload)) {
      const { view } = this.conversation;
      if (view) this.does.said(this.say("point.seen", { name: nameOf(view, payload.by) }));
    }
    this.draw();
  }

  /** Another page is on the screen, or this window is on its own now, or along again. */
  changed(): void {
    const now = this.may() ? this.pages.shown : null;
    if (now !== this.page) {
      this.page = now;
      this.over = null;
      this.pointing.stops();
      this.byKeyboard(false);
      this.sendSoon();
    }
    this.draw();
  }

  /** Call this a few times a second: what has been still for long goes. */
  tick(): void {
    if (!this.pointing.waits && !this.shown().length) return;
    this.send();
    this.draw();
  }

  private may(): boolean {
    return this.together.along && this.pages.shown === this.conversation.view?.page;
  }

  // --- mine ---

  private moved(event: PointerEvent): void {
    if (event.pointerType === "touch") return;
    this.isOver({ x: event.clientX, y: event.clientY });
  }

  private isOver(place: { readonly x: number; readonly y: number } | null): void {
    this.over = place;
    if (this.asked) return;
    this.asked = true;
    // Where the page was laid out last: to ask for each event would lay it out for each.
    requestAnimationFrame(() => {
      this.asked = false;
      const article = this.pages.article();
      const at = this.over && article && this.may() ? spotAt(article, this.over.x, this.over.y) : null;
      this.pointing.moves(this.pages.shown, at, performance.now());
      this.send();
    });
  }

  private tapped(event: MouseEvent): void {
    const [article, down] = [this.pages.article(), this.down];
    const target = event.target instanceof Element ? event.target : null;
    if (!article || !down || !this.may() || !target || !article.contains(target) || target.closest(CONTROLS)) return;
    const far = Math.hypot(event.clientX - down.x, event.clientY - down.y) > A_TAP_MOVES;
    if (far || event.timeStamp - down.at > A_TAP_TAKES || !(getSelection()?.isCollapsed ?? true)) return;
    const at = spotAt(article, event.clientX, event.clientY);
    if (!at) return;
    this.pointing.taps(this.pages.shown, at);
    this.send();
  }

  private hideMine(hides: boolean): void {
    this.pointing.hidesMine = hides;
    if (hides) this.pointing.stops();
    this.send();
  }

  private send(): void {
    const point = this.pointing.due(performance.now(), this.may());
    if (point) {
      this.does.send(["point", point]);
      this.draw();
    } else if (this.pointing.waits) this.sendSoon();
  }

  private sendSoon(): void {
    if (this.sending !== undefined) return;
    this.sending = setTimeout(() => {
      this.sending = undefined;
      const point = this.pointing.due(performance.now(), this.may());
      if (!point) return;
      this.does.send(["point", point]);
      this.draw();
    }, 34);
  }

  // --- by keyboard ---

  private byKeyboard(begin: boolean): void {
    const article = this.pages.article();
    if (begin === (this.word !== null) || !article) return;
    this.word = begin ? 0 : null;
    this.hereButton.setAttribute("aria-pressed", String(begin));
    need("point-how").hidden = !begin;
    if (begin) this.pointAtWord(0);
  }

  private keyed(event: KeyboardEvent): void {
    const article = this.pages.article();
    if (this.word === null || !article) return;
    const firsts = firstWords(article);
    const before = firsts.filter((first) => first < (this.word ?? 0));
    const to: Readonly<Record<string, number | undefined>> = {
      ArrowRight: this.word + 1,
      ArrowLeft: this.word - 1,
      ArrowDown: firsts.find((first) => first > (this.word ?? 0)),
      ArrowUp: before[before.length - 1],
    };
    if (event.key === "Escape") this.byKeyboard(false);
    else if (event.key in to) this.pointAtWord(to[event.key] ?? this.word);
    else return;
    event.preventDefault();
    event.stopPropagation(); // It points, and does not move the page.
  }

  private pointAtWord(word: number): void {
    const article = this.pages.article();
    const at = article ? spotOfWord(article, word) : null;
    if (!article || !at) return;
    this.word = word;
    this.does.goes();
    article.querySelector(`[data-block="${CSS.escape(at[0])}"]`)?.scrollIntoView({ block: "nearest" });
    this.pointing.taps(this.pages.shown, at);
    this.send();
    this.does.said(this.say("point.at", { words: wordsAt(article, at) }));
  }

  // --- theirs ---

  private shown(): readonly FromServer["pointed"][] {
    const { here, view } = this.conversation;
    if (!this.may() || !view) return [];
    const along = here.filter((each) => each.along).map(({ id }) => id);
    return this.pointing.theirs(this.pages.shown, along, performance.now());
  }

  private draw(): void {
    const { view } = this.conversation;
    if (!view) return;
    const shapes = view.people.map(({ id }) => id);
    const drawn: Drawn[] = this.shown().map(({ by, at, tapped }) => ({
      person: by,
      label: nameOf(view, by),
      at: at as At,
      tapped,
      mine: false,
      shape: shapes.indexOf(by) % 4,
      elsewhere: this.say("point.elsewhere", { name: nameOf(view, by) }),
    }));
    const { mine } = this.pointing;
    if (mine?.at && this.may() && mine.page === this.pages.shown) {
      const seen = mine.seenBy.map((id) => nameOf(view, id)).join(", ");
      const label = !mine.tapped ? "" : seen ? this.say("point.seen", { name: seen }) : this.say("point.sent");
      drawn.push({ person: view.you, label, at: mine.at, tapped: mine.tapped, mine: true, shape: shapes.indexOf(view.you) % 4, elsewhere: "" });
    }
    this.layer.draw(drawn);
  }

  private tellSeen(people: readonly string[]): void {
    if (document.hidden) return;
    for (const point of this.shown()) {
      if (people.includes(point.by) && this.pointing.sees(point)) this.does.send(["sees", { of: point.by, number: point.number }]);
    }
  }

  private tellWhere(): void {
    const [article, { view }] = [this.pages.article(), this.conversation];
    if (!article || !view) return;
    const words = this.shown().map(({ by, at }) => this.say("point.where", { name: nameOf(view, by), words: wordsAt(article, at as At) }));
    this.where.textContent = words.join(" ") || this.say("point.nowhere");
  }
}
