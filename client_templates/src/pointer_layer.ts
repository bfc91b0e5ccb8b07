/**
 * Draws pointers over the page: a tip on the spot, the word that was tapped, a name. All of it is inert and takes no
 * room. In one frame everything is measured first and put in its place afterwards; while nothing changes, nothing is done.
 */

import { whereIs, type Spot } from "./anchor.js";
import type { At } from "./wire.js";

export interface Drawn {
  readonly person: string;
  /** What stands beside the tip; empty for nothing. */
  readonly label: string;
  readonly at: At;
  readonly tapped: boolean;
  readonly mine: boolean;
  /** Of four: people are told apart by it, and not by colour alone. */
  readonly shape: number;
  /** What the button at the edge is called when the spot is out of sight. */
  readonly elsewhere: string;
}

/** In which direction a spot out of sight is. */
const ARROWS: Readonly<Record<string, string>> = { above: "↑", below: "↓", beside: "↔" };

interface Parts {
  readonly tip: HTMLElement;
  readonly label: HTMLElement;
  readonly lit: HTMLElement;
  readonly edge: HTMLButtonElement;
  at: At | null;
}

export class PointerLayer {
  private readonly parts = new Map<string, Parts>();
  private drawn: readonly Drawn[] = [];
  private asked = false;

  /**
   * `sheet` lies at the upper left corner of the page; `over` over the window, for the buttons at its edges. `goes` is told
   * before a tap on one moves the page; `inSight` of whose spots are, each time they are drawn.
   */
  constructor(
    private readonly sheet: HTMLElement,
    private readonly over: HTMLElement,
    private readonly article: () => HTMLElement | null,
    private readonly does: { goes(): void; inSight(people: readonly string[]): void },
  ) {
    for (const name of ["resize", "scroll"]) window.addEventListener(name, () => this.drawSoon(), { passive: true, capture: true });
    document.addEventListener("load", () => this.drawSoon(), { capture: true });
    document.fonts.addEventListener("loadingdone", () => this.drawSoon());
    new ResizeObserver(() => this.drawSoon()).observe(document.body);
  }

  draw(drawn: readonly Drawn[]): void {
    this.drawn = drawn;
    this.drawSoon();
  }

  drawSoon(): void {
    if (this.asked || (!this.drawn.length && !this.parts.size)) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      performance.mark("pointers");
      this.putInPlace();
      performance.measure("pointers", "pointers");
    });
  }

  private putInPlace(): void {
    const article = this.article();
    const spots = this.drawn.map(({ at }) => (article ? whereIs(article, at) : null));
    const [left, top] = [window.scrollX, window.scrollY];
    const bar = document.querySelector(".top")?.getBoundingClientRect().bottom ?? 0;
    const edges = { above: Math.max(0, bar), below: window.innerHeight, width: document.documentElement.clientWidth };
    const inSight: string[] = [];
    for (const [person, { tip, label, lit, edge }] of this.parts) {
      if (this.drawn.some((each) => each.person === person)) continue;
      for (const element of [tip, label, lit, edge]) element.remove();
      this.parts.delete(person);
    }
    this.drawn.forEach((each, nth) => {
      const spot = spots[nth];
      const parts = this.parts.get(each.person) ?? this.newParts(each);
      const out = spot ? outOfSight(spot, edges) : "nowhere";
      if (spot && !out) inSight.push(each.person);
      this.place(parts, each, spot ?? null, out, left, top, edges.width);
    });
    this.does.inSight(inSight);
  }

  private place(parts: Parts, each: Drawn, spot: Spot | null, out: string, left: number, top: number, width: number): void {
    const { tip, label, lit, edge } = parts;
    const shown = spot !== null && !spot.hiddenIn;
    tip.hidden = !shown;
    lit.hidden = !shown || !each.tapped;
    label.hidden = !shown || !each.label;
    edge.hidden = !out || out === "nowhere" || each.mine;
    const words = `${each.label} ${ARROWS[out] ?? ""}`;
    if (edge.textContent !== words) edge.textContent = words;
    edge.setAttribute("aria-label", each.elsewhere);
    edge.dataset["where"] = out;
    if (!spot) return;
    // The first time a pointer comes up where it is; from then on it glides.
    tip.classList.toggle("glides", parts.at !== null && !each.tapped);
    parts.at = each.at;
    tip.dataset["shape"] = String(each.shape);
    tip.style.transform = `translate(${spot.x + left}px, ${spot.y + top}px)`;
    if (label.textContent !== each.label) label.textContent = each.label;
    const box = spot.boxes[0];
    const beside = Math.max(0, Math.min(spot.x, width - 9 * 18));
    label.style.transform = `translate(${beside + left}px, ${(each.tapped && box ? box.bottom : spot.y + 20) + top}px)`;
    if (each.tapped && box) {
      lit.style.transform = `translate(${box.left + left}px, ${box.top + top}px)`;
      lit.style.width = `${box.width}px`;
      lit.style.height = `${box.height}px`;
    }
    edge.style.top = out === "above" ? "var(--height-of-top, 0px)" : out === "below" ? "100%" : `${spot.y}px`;
  }

  private newParts(each: Drawn): Parts {
    const make = (name: string): HTMLElement => {
      const element = document.createElement("span");
      element.className = `${name}${each.mine ? " mine" : ""}`;
      element.dataset["pointer"] = each.person;
      this.sheet.append(element);
      return element;
    };
    const edge = document.createElement("button");
    edge.type = "button";
    edge.className = "mark pointing";
    edge.addEventListener("click", () => this.goTo(each.person));
    this.over.append(edge);
    const parts: Parts = { lit: make("lit"), tip: make("tip"), label: make("tip-name"), edge, at: null };
    this.parts.set(each.person, parts);
    return parts;
  }

  /** My own move: bring another's spot into sight. */
  private goTo(person: string): void {
    const [each, article] = [this.drawn.find((one) => one.person === person), this.article()];
    const spot = each && article ? whereIs(article, each.at) : null;
    if (!spot) return;
    this.does.goes();
    if (spot.hiddenIn) {
      const edges = spot.hiddenIn.getBoundingClientRect();
      spot.hiddenIn.scrollBy({ left: spot.x - (edges.left + edges.width / 2) });
    }
    window.scrollBy({ top: spot.y - window.innerHeight / 2 });
  }
}

function outOfSight({ y, hiddenIn }: Spot, edges: { readonly above: number; readonly below: number }): string {
  return y < edges.above ? "above" : y > edges.below ? "below" : hiddenIn ? "beside" : "";
}
