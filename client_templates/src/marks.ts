/** Where the others read: a mark in the margin; a button at the edge of the window when that is out of sight. */

import { goToLine, topOf } from "./lines.js";
import type { Line } from "./wire.js";
import type { Say } from "./words.js";

interface Mark {
  readonly name: string;
  readonly line: Line;
  /** In sight it only says so; out of sight it is a button. */
  readonly here: HTMLElement;
  readonly there: HTMLButtonElement;
}

export class Marks {
  private readonly marks = new Map<string, Mark>();
  private asked = false;

  /** `place` lies over the window and takes no taps itself; `goes` is told before a tap moves the page. */
  constructor(
    private readonly place: HTMLElement,
    private readonly article: () => HTMLElement | null,
    private readonly say: Say,
    private readonly goes: () => void,
  ) {
    for (const name of ["scroll", "resize"]) window.addEventListener(name, () => this.drawSoon(), { passive: true });
  }

  /** `person` reads at `line`. */
  put(person: string, name: string, line: Line): void {
    const { here, there } = this.marks.get(person) ?? this.newMark(person);
    this.marks.set(person, { name, line, here, there });
    this.drawSoon();
  }

  /** Of nobody but these there is anything to show. */
  only(people: readonly string[]): void {
    for (const [person, { here, there }] of this.marks) {
      if (people.includes(person)) continue;
      for (const element of [here, there]) element.remove();
      this.marks.delete(person);
    }
  }

  private newMark(person: string): Pick<Mark, "here" | "there"> {
    const [here, there] = [document.createElement("span"), document.createElement("button")];
    for (const element of [here, there]) element.className = "mark";
    here.dataset["where"] = "here";
    there.type = "button";
    there.addEventListener("click", () => {
      const [mark, article] = [this.marks.get(person), this.article()];
      if (!mark || !article) return;
      this.goes();
      goToLine(article, mark.line);
    });
    this.place.append(here, there);
    return { here, there };
  }

  private drawSoon(): void {
    if (this.asked || !this.marks.size) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.draw();
    });
  }

  /** First everything is measured, then everything is put in its place. */
  private draw(): void {
    const article = this.article();
    const bar = document.querySelector(".top")?.getBoundingClientRect().bottom ?? 0;
    const [above, below] = [Math.max(0, bar), window.innerHeight];
    const edge = article?.closest("main")?.getBoundingClientRect().right ?? 0;
    const tops = [...this.marks.values()].map(({ line }) => (article ? topOf(article, line) : null));
    [...this.marks.values()].forEach(({ name, here, there }, nth) => {
      const top = tops[nth] ?? null;
      const where = top === null ? "nowhere" : top < above ? "above" : top > below ? "below" : "here";
      here.hidden = where !== "here";
      there.hidden = where !== "above" && where !== "below";
      if (top === null) return;
      const element = where === "here" ? here : there;
      element.dataset["where"] = where;
      const words = this.say(where === "here" ? "mark.here" : where === "above" ? "mark.above" : "mark.below", { name });
      if (element.textContent !== words) element.textContent = words;
      const y = where === "above" ? above : where === "below" ? below : top;
      element.style.transform = `translate(${Math.round(edge)}px, ${Math.round(y)}px)`;
    });
  }
}
