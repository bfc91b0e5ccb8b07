/** Lines of the page: which one stands at the reading line here, and where one that another person reads is here. */

import { fraction } from "./anchor.js";
import type { Line } from "./wire.js";

/** The reading line is this far down in what is in sight below the bar at the top. */
const READING_LINE = 1 / 3;

/** Where the reading line is, in pixels below the upper edge of the window. */
export function readingLine(): number {
  const bar = document.querySelector<HTMLElement>(".top");
  const above = bar && getComputedStyle(bar).position === "sticky" ? bar.getBoundingClientRect().bottom : 0;
  return above + (window.innerHeight - above) * READING_LINE;
}

/** The line of the page that stands at the reading line, or the nearest one. Null: the page has no blocks. */
export function lineHere(article: HTMLElement): Line | null {
  const y = readingLine();
  let nearest: { readonly block: HTMLElement; readonly box: DOMRect; readonly away: number } | null = null;
  for (const block of blocksOf(article)) {
    const box = block.getBoundingClientRect();
    const away = Math.max(box.top - y, y - box.bottom, 0);
    if (!nearest || away < nearest.away) nearest = { block, box, away };
  }
  if (!nearest) return null;
  const { block, box } = nearest;
  const letters = new Letters(block);
  const part = letters.count ? fraction(letters.at(y), 0, letters.count) : fraction(y, box.top, box.height);
  return [block.dataset["block"] ?? "", part];
}

/** How far below the upper edge of the window a line stands here; null: it is not on this page. */
export function topOf(article: HTMLElement, [name, part]: Line): number | null {
  const block = blocksOf(article).find((each) => each.dataset["block"] === name);
  if (!block) return null;
  const letters = new Letters(block);
  if (letters.count) return letters.middleOf(Math.round(part * letters.count));
  const box = block.getBoundingClientRect();
  return box.top + box.height * part;
}

/** Bring a line to the reading line. A long way is not run through: nobody could read on the way. */
export function goToLine(article: HTMLElement, line: Line): void {
  const top = topOf(article, line);
  if (top === null) return;
  const by = top - readingLine();
  const smooth = Math.abs(by) < window.innerHeight && !matchMedia("(prefers-reduced-motion: reduce)").matches;
  window.scrollBy({ top: by, behavior: smooth ? "smooth" : "instant" });
}

function blocksOf(article: HTMLElement): HTMLElement[] {
  return [...article.querySelectorAll<HTMLElement>("[data-block]")];
}

/** The letters of a block, and on which height each stands. However lines are broken, a letter is on some line. */
class Letters {
  readonly count: number;
  private readonly texts: readonly Text[];

  constructor(block: HTMLElement) {
    const walk = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    const texts: Text[] = [];
    while (walk.nextNode()) texts.push(walk.currentNode as Text);
    this.texts = texts;
    this.count = texts.reduce((sum, { length }) => sum + length, 0);
  }

  /** The first letter that reaches below this height. Letters stand one below the other, so half of them need no look. */
  at(y: number): number {
    let [low, high] = [0, this.count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.boxOf(middle).bottom > y) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  middleOf(letter: number): number {
    const { top, bottom } = this.boxOf(Math.min(letter, this.count - 1));
    return (top + bottom) / 2;
  }

  private boxOf(letter: number): DOMRect {
    const range = document.createRange();
    let left = letter;
    for (const text of this.texts) {
      if (left < text.length) {
        range.setStart(text, left);
        range.setEnd(text, left + 1);
        const box = range.getBoundingClientRect();
        // What is not drawn (a line break between two items) stands where its element does.
        return box.height ? box : (text.parentElement ?? document.body).getBoundingClientRect();
      }
      left -= text.length;
    }
    return new DOMRect();
  }
}
