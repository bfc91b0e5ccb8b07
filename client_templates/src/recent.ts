/**
 * Whether a page was left by this tab a moment ago: by a refresh, or by going on from one page to the next. After the
 * browser was closed, or in a tab that somebody opens later, nothing was.
 */

const NAME = "at";
/** A slow network takes some seconds from one page to the next. */
const RECENT = 15_000;

/** Call it when this tab goes on, and when it opens another one. */
export function noteGoingOn(): void {
  try {
    sessionStorage.setItem(NAME, String(Date.now()));
  } catch {
    // Storage is switched off: the next page asks for a tap.
  }
}

/** Note every way in which this page can be left. */
export function noteEveryLeaving(): void {
  window.addEventListener("pagehide", noteGoingOn);
}

export function wasHereJustNow(): boolean {
  try {
    return Date.now() - Number(sessionStorage.getItem(NAME)) < RECENT;
  } catch {
    return false;
  }
}
