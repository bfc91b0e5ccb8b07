/** How many people wait at the worker's desk, inside a session: a number, and never a name of another room. */

import { find } from "./boot.js";
import type { Say } from "./words.js";

const ASK_EVERY = 3_000;
const ANSWER_LIVES = 6_000;

/** Ask for as long as `live` says that this window is connected: that it is also keeps the worker signed in. */
export function showArrivals(ticket: string, live: () => boolean, say: Say): void {
  const place = find("arrivals");
  if (!place) return;
  setInterval(() => {
    if (live()) void ask(ticket).then((count) => write(place, count, say));
  }, ASK_EVERY);
}

function write(place: HTMLElement, count: number | null, say: Say): void {
  if (count === null) return;
  const words = count === 0 ? "" : say(count === 1 ? "desk.one_waits" : "desk.some_wait", { count: String(count) });
  if (place.textContent !== words) place.textContent = words;
}

async function ask(ticket: string): Promise<number | null> {
  try {
    const signal = AbortSignal.timeout(ANSWER_LIVES);
    const response = await fetch(`/s/${ticket}/arrivals`, { cache: "no-store", redirect: "error", signal });
    return response.ok ? ((await response.json()) as { count: number }).count : null;
  } catch {
    return null;
  }
}
