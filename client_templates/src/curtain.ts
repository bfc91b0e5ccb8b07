/**
 * A page of a session opens behind a curtain when the browser was closed before, or the page was out of sight for ten
 * minutes: whoever holds the device then may be another person. One tap opens it ([DR4]).
 */

import { find } from "./boot.js";
import { wasHereJustNow } from "./recent.js";

const OUT_OF_SIGHT = 600_000;

/** Called before anything of the page is drawn. A tap opens it from then on, also while the page's script is on its way. */
export function drawUnlessRecent(): void {
  if (!wasHereJustNow()) draw();
  document.addEventListener("click", tapped, { capture: true });
}

/** Draw it when the page has been out of sight for long. `opened`: what else a tap on it does. */
export function mindTheCurtain(opened: () => void): void {
  find("open-curtain")?.addEventListener("click", opened);
  let hiddenAt = document.hidden ? Date.now() : null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.hidden) {
      hiddenAt = Date.now();
      // Drawn while nobody looks, so that nothing flashes up later; a sleeping device comes to it only afterwards.
      timer = setTimeout(draw, OUT_OF_SIGHT);
    } else if (hiddenAt !== null && Date.now() - hiddenAt >= OUT_OF_SIGHT) {
      draw();
    }
    // What had the focus is behind it, or will be: the keyboard goes on from the one thing to do here.
    if (!document.hidden && isDrawn()) find("open-curtain")?.focus();
  });
}

function tapped(event: MouseEvent): void {
  if ((event.target as Element).closest('[data-copage="open-curtain"]')) delete document.documentElement.dataset["curtain"];
}

function isDrawn(): boolean {
  return document.documentElement.dataset["curtain"] !== undefined;
}

function draw(): void {
  document.documentElement.dataset["curtain"] = "";
}
