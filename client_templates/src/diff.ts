/** What a person did to a text, told from how it was and how it is. Positions are in UTF-16 code units. */

export interface Change {
  readonly at: number;
  readonly removed: number;
  readonly inserted: string;
}

/**
 * The one change that makes `after` of `before`, right before the caret: a letter typed among the same letters stands
 * where it was typed. No letter of two units is ever cut in two, which shared texts do not survive.
 */
export function changeOf(before: string, after: string, caret: number): Change | null {
  if (before === after) return null;
  const shorter = Math.min(before.length, after.length);
  let same = 0;
  const most = Math.min(shorter, after.length - Math.min(caret, after.length));
  while (same < most && before[before.length - 1 - same] === after[after.length - 1 - same]) same += 1;
  if (cuts(before, before.length - same) || cuts(after, after.length - same)) same -= 1;
  let at = 0;
  while (at < shorter - same && before[at] === after[at]) at += 1;
  if (cuts(before, at) || cuts(after, at)) at -= 1;
  return { at, removed: before.length - same - at, inserted: after.slice(at, after.length - same) };
}

/** Whether the place `at` is between the two halves of a letter. */
export function cuts(text: string, at: number): boolean {
  return isFirstHalf(text.charCodeAt(at - 1)) && isSecondHalf(text.charCodeAt(at));
}

/** A text in pieces of at most `size` units, no letter cut in two. */
export function pieces(text: string, size: number): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = Math.min(text.length, at + size);
    const whole = cuts(text, end) ? end - 1 : end;
    found.push(text.slice(at, whole));
    at = whole;
  }
  return found;
}

/** What the notes can hold of a text: no control characters, no half letters, one kind of line end. */
export function clean(text: string): string {
  // eslint-style ranges: all control characters but tab and new line.
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/[\0-\x08\x0b-\x1f\x7f]/g, "")
    .replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "\uFFFD");
}

/** Where a place in a text is after somebody else has changed it: `delta` says what stays, goes and comes. */
export function moved(place: number, delta: readonly Step[]): number {
  let at = 0;
  let now = place;
  for (const { retain = 0, delete: removed = 0, insert = "" } of delta) {
    if (at > now) break;
    at += retain;
    if (at >= now && !removed && !insert) continue;
    if (insert && at < now) now += insert.length;
    if (insert) at += insert.length;
    if (removed) now -= Math.max(0, Math.min(removed, now - at));
  }
  return now;
}

export interface Step {
  readonly retain?: number;
  readonly delete?: number;
  readonly insert?: string;
}

function isFirstHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isSecondHalf(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
