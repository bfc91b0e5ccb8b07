/**
 * Spots on the page: which one is under a pointer here, and where one that another person points at is here ([PO1]).
 *
 * Letters are counted in the text of their block, which is the same on every screen; lines are not.
 */

import { digest } from "./digest.js";
import type { At } from "./wire.js";

/** Over these nothing is ever shown to anybody: what is written, chosen, or a way out. */
const NEVER = "input, textarea, select, label, option, [contenteditable], [data-field], .leave, .end";

export interface Spot {
  /** Where the tip is, in pixels from the upper left corner of the window. */
  readonly x: number;
  readonly y: number;
  /** The boxes of the word, or the one of the block. */
  readonly boxes: readonly DOMRect[];
  /** What scrolls sideways around it and does not show it at the moment. */
  readonly hiddenIn: HTMLElement | null;
}

/** The spot under a point of the window; null where there is none to be shown. */
export function spotAt(article: HTMLElement, x: number, y: number): At | null {
  const target = document.elementFromPoint(x, y);
  if (!target || !article.contains(target) || target.closest(NEVER)) return null;
  const block = target.closest<HTMLElement>("[data-block]");
  if (!block) return null;
  const name = block.dataset["block"] ?? "";
  const letter = letterAt(block, x, y);
  if (letter) return [name, checkOf(block), letter.offset, fraction(x, letter.box.left, letter.box.width), fraction(y, letter.box.top, letter.box.height)];
  const box = block.getBoundingClientRect();
  return [name, 0, -1, fraction(x, box.left, box.width), fraction(y, box.top, box.height)];
}

/** Where a spot is on this screen; null if its block is not on this page. */
export function whereIs(article: HTMLElement, [name, check, offset, x, y]: At): Spot | null {
  const block = blockOf(article, name);
  if (!block) return null;
  if (offset >= 0 && check === checkOf(block)) {
    const box = boxOf(block, offset);
    if (box) return spot(block, box.left + box.width * x, box.top + box.height * y, wordBoxes(block, offset));
  }
  const box = block.getBoundingClientRect();
  // Another text stands here, or a picture: of the first only the block is known.
  const known = offset < 0;
  return spot(block, box.left + box.width * (known ? x : 0), box.top + (known ? box.height * y : 0), [box]);
}

/** The words around a spot, or what its picture shows: to be read aloud. */
export function wordsAt(article: HTMLElement, [name, check, offset]: At): string {
  const block = blockOf(article, name);
  if (!block) return "";
  const text = block.textContent ?? "";
  if (offset < 0 || check !== checkOf(block)) return block.querySelector("img")?.alt ?? clipped(text, 0, 80);
  const [start, end] = wordAround(text, offset);
  return clipped(text, start, end + 60);
}

/** The spot on the `nth` word of the page, counted from the first; null beyond the last. */
export function spotOfWord(article: HTMLElement, nth: number): At | null {
  let left = nth;
  for (const block of blocksOf(article)) {
    const words = [...(block.textContent ?? "").matchAll(/\S+/g)];
    const word = words[left];
    if (left >= 0 && word) return [block.dataset["block"] ?? "", checkOf(block), word.index + Math.floor((word[0].length - 1) / 2), 0.5, 0.5];
    left -= words.length;
  }
  return null;
}

/** The numbers of the first words of all blocks, as `spotOfWord` counts. */
export function firstWords(article: HTMLElement): readonly number[] {
  const firsts: number[] = [];
  let count = 0;
  for (const block of blocksOf(article)) {
    const words = (block.textContent ?? "").match(/\S+/g)?.length ?? 0;
    if (words) firsts.push(count);
    count += words;
  }
  return firsts;
}

function blocksOf(article: HTMLElement): HTMLElement[] {
  return [...article.querySelectorAll<HTMLElement>("[data-block]")];
}

function blockOf(article: HTMLElement, name: string): HTMLElement | null {
  return article.querySelector<HTMLElement>(`[data-block="${CSS.escape(name)}"]`);
}

function spot(block: HTMLElement, x: number, y: number, boxes: readonly DOMRect[]): Spot {
  const scroller = block.closest<HTMLElement>(".scrolls");
  const edges = scroller?.getBoundingClientRect();
  return { x, y, boxes, hiddenIn: scroller && edges && (x < edges.left || x > edges.right) ? scroller : null };
}

const checks = new WeakMap<HTMLElement, readonly [text: string, check: number]>();

/** Kept for each block, because a pointer asks for it many times a second. */
function checkOf(block: HTMLElement): number {
  const text = block.textContent ?? "";
  const known = checks.get(block);
  if (known?.[0] === text) return known[1];
  const check = digest(text);
  checks.set(block, [text, check]);
  return check;
}

function letterAt(block: HTMLElement, x: number, y: number): { readonly offset: number; readonly box: DOMRect } | null {
  const caret = caretAt(x, y);
  if (!caret || caret.node.nodeType !== Node.TEXT_NODE || !block.contains(caret.node)) return null;
  const before = offsetIn(block, caret.node as Text);
  // A caret stands between two letters; the one that was meant is that whose box holds the point, or comes next to it.
  let best: { readonly offset: number; readonly box: DOMRect; readonly away: number } | null = null;
  for (const at of [caret.offset, caret.offset - 1, caret.offset - 2]) {
    if (at < 0 || at >= caret.node.length || /\s/.test(caret.node.data[at] ?? "")) continue;
    const offset = before + whole(caret.node.data, at);
    const box = boxOf(block, offset);
    if (!box || y < box.top - box.height || y > box.bottom + box.height) continue;
    const away = Math.max(box.left - x, x - box.right, 0) + 4 * Math.max(box.top - y, y - box.bottom, 0);
    if (!best || away < best.away) best = { offset, box, away };
  }
  return best;
}

function caretAt(x: number, y: number): { readonly node: Text; readonly offset: number } | null {
  if ("caretPositionFromPoint" in document) {
    const caret = document.caretPositionFromPoint(x, y);
    return caret && { node: caret.offsetNode as Text, offset: caret.offset };
  }
  // Safari before 18.4 has only this.
  const range = (document as { caretRangeFromPoint?(x: number, y: number): Range | null }).caretRangeFromPoint?.(x, y);
  return range ? { node: range.startContainer as Text, offset: range.startOffset } : null;
}

function textsOf(block: HTMLElement): Text[] {
  const walk = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walk.nextNode()) texts.push(walk.currentNode as Text);
  return texts;
}

function offsetIn(block: HTMLElement, text: Text): number {
  let before = 0;
  for (const each of textsOf(block)) {
    if (each === text) break;
    before += each.length;
  }
  return before;
}

/** The first half of a letter of two units, if `at` is its second. */
function whole(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text[at] ?? "") && at > 0 ? at - 1 : at;
}

function boxOf(block: HTMLElement, offset: number): DOMRect | null {
  return rangeOf(block, offset, offset + 1)?.getClientRects()[0] ?? null;
}

function wordBoxes(block: HTMLElement, offset: number): DOMRect[] {
  const [start, end] = wordAround(block.textContent ?? "", offset);
  return [...(rangeOf(block, start, end)?.getClientRects() ?? [])];
}

function rangeOf(block: HTMLElement, start: number, end: number): Range | null {
  const range = document.createRange();
  let before = 0;
  let begun = false;
  for (const text of textsOf(block)) {
    if (!begun && start < before + text.length) {
      range.setStart(text, start - before);
      begun = true;
    }
    if (begun && end <= before + text.length) {
      const to = end - before;
      // A letter of two units is drawn as a whole or not at all.
      range.setEnd(text, /[\udc00-\udfff]/.test(text.data[to] ?? "") ? to + 1 : to);
      return range;
    }
    before += text.length;
  }
  return null;
}

function wordAround(text: string, offset: number): readonly [start: number, end: number] {
  let [start, end] = [offset, offset + 1];
  while (start > 0 && /\S/.test(text[start - 1] ?? "")) start -= 1;
  while (end < text.length && /\S/.test(text[end] ?? "")) end += 1;
  return [start, end];
}

/** Whole words from `start` on, to `end` or a little before. */
function clipped(text: string, start: number, end: number): string {
  const words = text.slice(start, end).replace(/\s+/g, " ").trim();
  return end < text.length ? `${words.replace(/\s\S*$/, "")}…` : words;
}

/** In ten thousandths: finer than any screen, and no longer than the protocol lets a number be. */
export function fraction(value: number, from: number, size: number): number {
  return size > 0 ? Math.round(Math.min(1, Math.max(0, (value - from) / size)) * 10_000) / 10_000 : 0;
}
