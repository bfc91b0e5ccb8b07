/**
 * A text box that several people write in. It stays the browser's own, so that dictation, input methods, correction and
 * screen readers work as everywhere; this file only tells the notes what was typed, and shows what others typed without
 * moving the caret from where the person left it.
 */

import { changeOf, moved, type Step } from "./diff.js";
import type { Box, Notes } from "./notes.js";

/** The most that a box grows while its own person types: beyond, its text scrolls. Others never make it grow. */
const HIGHEST = 0.45;

export class TextBox {
  /** An input method is at work: what it has made of the keys so far is in nobody's notes yet. */
  composing = false;
  /** What the box held when the input method began, and whether the notes have been begun anew since. */
  private before = "";
  private stale = false;

  constructor(
    readonly box: Box,
    readonly area: HTMLTextAreaElement,
    private readonly notes: Notes,
    /** The person did something to it. */
    private readonly typed: (box: Box) => void,
  ) {
    this.show(null);
    area.addEventListener("input", () => this.composing || this.input());
    area.addEventListener("compositionstart", () => this.compose());
    area.addEventListener("compositionend", () => this.composed());
    area.addEventListener("blur", () => this.composing && this.composed());
    area.addEventListener("keydown", (event) => this.key(event));
    area.addEventListener("beforeinput", (event) => this.history(event));
    area.addEventListener("focus", () => this.bringIntoSight());
    window.visualViewport?.addEventListener("resize", () => document.activeElement === area && this.bringIntoSight());
  }

  undo(): void {
    this.step("undo");
  }

  redo(): void {
    this.step("redo");
  }

  /** Somebody else changed the text (`steps`), or it is to be read anew. */
  show(steps: readonly Step[] | null): void {
    if (this.composing) {
      this.stale ||= steps === null;
      return; // The box is not touched under an input method: see `composed`.
    }
    const { area } = this;
    const [before, after] = [area.value, this.notes.text(this.box)];
    if (before === after) return;
    const { selectionStart, selectionEnd, selectionDirection, scrollTop, scrollHeight } = area;
    const way = steps ?? stepsOf(before, after);
    area.value = after;
    if (document.activeElement === area) {
      area.setSelectionRange(moved(selectionStart, way), moved(selectionEnd, way), selectionDirection);
      // What came above the caret's line pushes it down by as much.
      const above = (way[0]?.retain ?? 0) < selectionStart;
      area.scrollTop = scrollTop + (above ? area.scrollHeight - scrollHeight : 0);
    } else area.scrollTop = scrollTop;
  }

  private input(): void {
    const { area } = this;
    const caret = area.selectionEnd;
    const kept = this.notes.write(this.box, area.value, caret, performance.now());
    if (kept !== area.value) {
      // Letters that no text can hold were left out.
      const place = Math.max(0, caret - (area.value.length - kept.length));
      area.value = kept;
      area.setSelectionRange(place, place);
    }
    this.grow();
    this.typed(this.box);
  }

  private compose(): void {
    if (this.composing) return;
    this.composing = true;
    this.before = this.area.value;
    this.stale = false;
    this.notes.hold(this.box);
    this.typed(this.box);
  }

  private composed(): void {
    if (!this.composing) return;
    this.composing = false;
    if (!this.stale) this.input();
    this.notes.release();
    if (this.stale) this.putComposed();
    this.show(null);
  }

  /** The notes were begun anew under the input method: all that is sure is what it has made. */
  private putComposed(): void {
    const { area, box, notes } = this;
    const made = changeOf(this.before, area.value, area.selectionEnd);
    if (made?.inserted) notes.put(box, Math.min(made.at, notes.text(box).length), made.inserted, performance.now());
    this.typed(box);
  }

  private key(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || this.composing) return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) this.undo();
    else if (key === "y" || key === "z") this.redo();
    else return;
    event.preventDefault();
  }

  /** The browser's own way back knows nothing of what others wrote in between. */
  private history(event: InputEvent): void {
    if (event.inputType === "historyUndo") this.undo();
    else if (event.inputType === "historyRedo") this.redo();
    else return;
    event.preventDefault();
  }

  /** The caret goes to where something happened. */
  private step(what: "undo" | "redo"): void {
    const { area, box } = this;
    const before = area.value;
    if (area.readOnly || this.composing || !this.notes[what](box)) return;
    const change = changeOf(before, area.value, area.value.length);
    const place = change ? change.at + change.inserted.length : area.selectionEnd;
    if (document.activeElement === area) area.setSelectionRange(place, place);
    this.typed(box);
  }

  private grow(): void {
    const { area } = this;
    const most = (window.visualViewport?.height ?? window.innerHeight) * HIGHEST;
    if (area.scrollHeight > area.clientHeight && area.clientHeight < most) {
      area.style.height = `${Math.min(most, area.scrollHeight + area.offsetHeight - area.clientHeight)}px`;
      this.bringIntoSight();
    }
  }

  /** Above an on-screen keyboard, which covers the lower part of the page. */
  private bringIntoSight(): void {
    const view = window.visualViewport;
    if (!view) return;
    const { bottom } = this.area.getBoundingClientRect();
    const hidden = bottom - (view.offsetTop + view.height);
    if (hidden > 0) window.scrollBy(0, hidden + 8);
  }
}

/** The one change from `before` to `after`. */
function stepsOf(before: string, after: string): readonly Step[] {
  const change = changeOf(before, after, after.length);
  if (!change) return [];
  const { at, removed, inserted } = change;
  return [{ retain: at }, ...(inserted ? [{ insert: inserted }] : []), ...(removed ? [{ delete: removed }] : [])];
}
