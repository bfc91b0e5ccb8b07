/**
 * What the person's own hand does: that they are busy, and that they moved the page. A page that the script moves, or that
 * moves because something above it grew, was moved by no hand.
 */

export interface Feels {
  /** Typed, touched, selected or played. */
  touched(): void;
  /** The page was moved by hand. */
  scrolled(): void;
  /** And has come to rest. */
  rested(): void;
}

/** A wheel, a finger or a key moves the page at once. */
const FOLLOWS_WITHIN = 400;
/** What still moves by itself after a finger has let go. */
const GOES_ON_WITHIN = 200;
const RESTS_AFTER = 180;
const KEYS = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "];
/** In a field these type nothing. */
const PASSING_THROUGH = ["Tab", "Shift", "Control", "Alt", "Meta", "Escape"];
const FIELDS = "input, textarea, select, [contenteditable]";
/** Whoever presses one of these has decided to go elsewhere, or answers a question: that is no work to be left at. */
const MOVES = "[data-copage=turn], .suggest, a[data-page], .moves, .cards, .ways, .alone, .curtain";

export class Hand {
  private at = -Infinity;
  private scrolledAt = -Infinity;
  private held = false;
  private rest: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly feels: Feels) {
    const passive = { passive: true, capture: true } as const;
    document.addEventListener("pointerdown", (event) => this.pressed(event), passive);
    for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => (this.held = false), passive);
    for (const name of ["wheel", "touchmove"]) document.addEventListener(name, () => this.moved(), passive);
    document.addEventListener("keydown", (event) => this.keyed(event), passive);
    document.addEventListener("input", () => feels.touched(), passive);
    document.addEventListener("selectionchange", () => getSelection()?.isCollapsed || feels.touched());
    for (const name of ["play", "seeked"]) document.addEventListener(name, () => feels.touched(), passive);
    document.addEventListener("scroll", () => this.scrolled(), passive);
  }

  /** The script is about to move the page: what comes of it is not the hand's. */
  letGo(): void {
    this.at = this.scrolledAt = -Infinity;
  }

  private pressed(event: PointerEvent): void {
    this.held = true;
    if (event.target instanceof Element && event.target.closest(MOVES)) return;
    this.feels.touched();
    const { clientWidth, clientHeight } = document.documentElement;
    if (event.clientX >= clientWidth || event.clientY >= clientHeight) this.moved(); // On a scroll bar.
  }

  private keyed(event: KeyboardEvent): void {
    if (event.target instanceof Element && event.target.closest(FIELDS)) {
      if (!PASSING_THROUGH.includes(event.key)) this.feels.touched();
    } else if (KEYS.includes(event.key)) this.moved();
  }

  private moved(): void {
    this.at = performance.now();
  }

  private scrolled(): void {
    const now = performance.now();
    const mine = this.held || now - this.at < FOLLOWS_WITHIN || now - this.scrolledAt < GOES_ON_WITHIN;
    if (!mine) return;
    this.scrolledAt = now;
    this.feels.scrolled();
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.feels.rested(), RESTS_AFTER);
  }
}
