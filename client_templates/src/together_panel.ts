/** What stands on the page about going along or being on one's own, and about reading together. */

import { need } from "./boot.js";
import { Cards } from "./cards.js";
import { button, element } from "./notes_panel.js";
import { nameOf } from "./people.js";
import type { Card, Together } from "./together.js";
import type { Command, View } from "./wire.js";
import type { Say } from "./words.js";

export interface Does {
  /** Open a page for everybody. */
  open(page: string): void;
  goAlong(): void;
  goAlone(): void;
  askAlways(always: boolean): void;
  submit(command: Command): void;
  /** To screen readers: on the page it stands already. */
  said(words: string): void;
}

export class TogetherPanel {
  private readonly cards = new Cards(need("cards"));
  private readonly ask = need("ask") as HTMLInputElement;
  private asked: Card | null = null;
  private readers: readonly string[] = [];
  private wants = false;
  private suggested: View["suggestions"] = [];

  constructor(
    private readonly together: Together,
    private readonly titles: Readonly<Record<string, string>>,
    private readonly say: Say,
    private readonly does: Does,
  ) {
    need("alone").addEventListener("click", () => {
      need("ways").removeAttribute("open"); // It has done what it was opened for.
      need("ways").querySelector("summary")?.focus({ preventScroll: true });
      this.goAlone();
    });
    need("suggest-this").addEventListener("click", () => together.page && does.submit({ type: "suggest", page: together.page }));
    need("go-along").addEventListener("click", () => does.goAlong());
    this.ask.addEventListener("change", () => does.askAlways(this.ask.checked));
    need("read").addEventListener("click", () => does.submit({ type: this.wants ? "read_apart" : "read_together" }));
    need("read-stop").addEventListener("click", () => does.submit({ type: "read_apart" }));
  }

  draw(view: View): void {
    const names = view.people.filter((each) => each.id !== view.you && !each.left).map(({ name }) => name);
    const goAlong = names.length ? this.say("alone.go_with", { name: names.join(", ") }) : this.say("alone.go");
    const { along } = this.together;
    need("alone-bar").hidden = along;
    const title = this.titles[view.page ?? ""] ?? "";
    setWords("alone-words", view.turned_by && view.turned_by !== view.you ? this.say("alone.they_are_at", { name: nameOf(view, view.turned_by), title }) : this.say("alone.page_is", { title }));
    setWords("go-along", goAlong);
    need("alone").hidden = !along;
    this.ask.checked = this.together.asks;
    need("suggest-this").hidden = this.together.page === view.page || view.suggestions.some(({ page }) => page === this.together.page);
    this.drawSuggestions(view);
    this.drawCard(view);
    this.drawReading(view);
  }

  /** Of the others' the oldest, one at a time; of my own a line each, to be taken back. */
  private drawSuggestions(view: View): void {
    if (this.suggested === view.suggestions) return;
    const before = this.suggested;
    this.suggested = view.suggestions;
    const theirs = view.suggestions.filter(({ by }) => by !== view.you);
    const [next] = theirs;
    if (!next) this.cards.drop("suggested");
    else {
      const values = { name: nameOf(view, next.by), title: this.titles[next.page] ?? "" };
      const words = theirs.length > 1 ? this.say("suggest.more", values) : this.say("suggest.card", values);
      this.cards.ask("suggested", words, [
        [this.say("suggest.open"), () => this.does.open(next.page)],
        [this.say("suggest.not_now"), () => this.does.submit({ type: "dismiss", page: next.page })],
      ]);
      if (!before.some(({ page }) => page === next.page)) this.does.said(words);
    }
    const mine = view.suggestions.filter(({ by }) => by === view.you);
    need("my-suggestions").replaceChildren(
      ...mine.map(({ page }) => {
        const item = element("li", `${this.say("suggest.mine", { title: this.titles[page] ?? "" })} `);
        item.append(button(this.say("suggest.take_back"), () => this.does.submit({ type: "dismiss", page })));
        return item;
      }),
    );
  }

  private goAlone(): void {
    this.does.goAlone();
    this.does.said(this.say("alone.now"));
  }

  private drawCard(view: View): void {
    const { card } = this.together;
    if (card === this.asked) return;
    this.asked = card;
    if (!card) {
      this.cards.drop("turned");
      return;
    }
    const words = this.say("card.turned", { name: nameOf(view, card.by), title: this.titles[card.page] ?? "" });
    this.cards.ask("turned", words, [
      [this.say("card.go"), () => this.does.goAlong()],
      [this.say("card.stay"), () => this.goAlone()],
      [this.say("card.always"), () => this.alwaysFromNowOn()],
    ]);
    this.does.said(words);
  }

  private alwaysFromNowOn(): void {
    this.does.askAlways(true);
    this.does.goAlone();
    this.does.said(this.say("card.always_now"));
  }

  private drawReading(view: View): void {
    const others = view.reading.filter((id) => id !== view.you);
    const name = others.map((id) => nameOf(view, id)).join(", ");
    const { along } = this.together;
    this.wants = view.reading.includes(view.you);
    need("reading-bar").hidden = !this.wants || !others.length || !along;
    setWords("reading-words", this.say("reading.on", { name }));
    setWords("read", this.wants ? this.say("reading.stop") : this.say("reading.begin"));
    need("read").hidden = !along;
    need("reading-asked").hidden = !this.wants || others.length > 0;
    if (this.readers === view.reading) return;
    this.readers = view.reading;
    if (this.wants || !others.length) {
      this.cards.drop("reading");
      if (this.wants && others.length) this.does.said(this.say("reading.on", { name }));
      return;
    }
    const words = this.say("reading.asked_by", { name });
    this.cards.ask("reading", words, [
      [this.say("reading.yes"), () => this.agree()],
      [this.say("reading.no"), () => this.does.submit({ type: "read_apart" })],
    ]);
    this.does.said(words);
  }

  private agree(): void {
    if (!this.together.along) this.does.goAlong();
    this.does.submit({ type: "read_together" });
  }
}

/** Only what has changed: a screen reader, or a finger on its way, is not disturbed. */
function setWords(name: string, words: string): void {
  const element = need(name);
  if (element.textContent !== words) element.textContent = words;
}
