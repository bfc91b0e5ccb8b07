/**
 * Before a sign-in ends because nobody used it: a minute's warning, with a way to stay. The server is asked how long it
 * will be, because other windows use the same sign-in, and asking is not using.
 */

import { find, need } from "./boot.js";

const ADDRESS = "/account/awake";
const SIGN_IN = "/sign-in";
const ASK_EVERY = 15_000;
const WARN_BEFORE = 60_000;
const SECOND = 1_000;

/** When the sign-in will end, as far as the server has said; by the wall clock, which goes on while a device sleeps. */
let endsAt: number | null = null;
let askedAt = 0;

async function ask(method: "GET" | "POST"): Promise<void> {
  askedAt = Date.now();
  let answer: Response;
  try {
    answer = await fetch(ADDRESS, { method, cache: "no-store" });
  } catch {
    return; // No network: what is known holds, and it is asked again.
  }
  if (answer.status === 401) location.assign(SIGN_IN);
  if (!answer.ok) return;
  const { seconds_left: left } = (await answer.json()) as { readonly seconds_left: number };
  endsAt = Date.now() + left * SECOND;
  draw();
}

function draw(): void {
  const dialog = need("idle") as HTMLDialogElement;
  const left = endsAt === null ? Infinity : endsAt - Date.now();
  if (left > WARN_BEFORE) {
    if (dialog.open) dialog.close();
    return;
  }
  const words = need("idle-words");
  const seconds = Math.max(0, Math.ceil(left / SECOND));
  words.textContent = (words.dataset["words"] ?? "").replace("{seconds}", String(seconds));
  if (!dialog.open) dialog.showModal();
}

function tick(): void {
  const over = endsAt !== null && Date.now() > endsAt;
  // When it is over the server has the last word, every second: another window may have used the sign-in meanwhile.
  if (over || Date.now() - askedAt >= ASK_EVERY) void ask("GET");
  draw();
}

/** On pages that have the dialog. Staying is also what Escape does. */
export function warnWhenIdle(): void {
  const dialog = find("idle");
  if (!dialog) return;
  const stay = (): void => void ask("POST");
  need("idle-stay").addEventListener("click", stay);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    stay();
  });
  setInterval(tick, SECOND);
  void ask("GET");
}
