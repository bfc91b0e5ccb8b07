/** What a tab keeps over a refresh, in its session storage, under a name that says nothing. Gone after leaving. */

import type { Place } from "./trail.js";

export interface Kept {
  pollingOnly?: boolean;
  places?: readonly Place[];
  /** On which page this window was on its own. */
  own?: string | undefined;
  /** *Always ask me*. */
  asks?: boolean;
  /** Which page was on the screen, and how far down. */
  stood?: { readonly page: string; readonly y: number } | undefined;
  /** Which box was open. */
  panel?: string | undefined;
}

const NAME = "kept";

/** What was kept for this ticket. Another ticket's is not looked at: a copied tab brings it along. */
export function readKept(ticket: string): Kept {
  try {
    const kept = JSON.parse(sessionStorage.getItem(NAME) ?? "{}") as { ticket?: string; value?: Kept };
    return kept.ticket === ticket ? (kept.value ?? {}) : {};
  } catch {
    return {}; // Storage is switched off: a refresh then starts anew.
  }
}

export function keep(ticket: string, value: Kept): void {
  try {
    sessionStorage.setItem(NAME, JSON.stringify({ ticket, value }));
  } catch {
    // Storage is switched off or full: nothing that a person wrote is in it.
  }
}

export function forgetKept(): void {
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // Storage is switched off: nothing was kept.
  }
}
