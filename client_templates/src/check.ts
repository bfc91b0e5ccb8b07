/** /check: whether this browser and network can hold a session. The results stand on the page and go nowhere. */

import { boot, need, showWhatNeedsScript } from "./boot.js";
import { sayFrom, type Key } from "./words.js";

interface Boot {
  readonly words: Readonly<Record<string, string>>;
  readonly answer: string;
  readonly socket: string;
}

const PATIENCE = 4_000;
const { words, answer, socket } = boot<Boot>();
const say = sayFrom(words);

const PARTS = ["secure", "storage", "answer", "socket"] as const;
type Part = (typeof PARTS)[number];

const tries: Record<Part, () => boolean | Promise<boolean>> = {
  secure: () => window.isSecureContext,
  storage: canStore,
  answer: answers,
  socket: opensSocket,
};

function canStore(): boolean {
  try {
    sessionStorage.setItem("check", "1");
    const kept = sessionStorage.getItem("check") === "1";
    sessionStorage.removeItem("check");
    return kept && navigator.cookieEnabled;
  } catch {
    return false;
  }
}

/** Long-polling needs both: asking and sending. */
async function answers(): Promise<boolean> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE);
  try {
    for (const method of ["GET", "POST"]) {
      const response = await fetch(answer, { method, signal: stop.signal, cache: "no-store" });
      if (!response.ok) return false;
    }
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** A socket counts when something comes through it: some networks open one and then stay silent. */
function opensSocket(): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = new WebSocket(location.origin.replace(/^http/, "ws") + socket);
    const end = (works: boolean): void => {
      clearTimeout(timer);
      probe.close();
      resolve(works);
    };
    const timer = setTimeout(() => end(false), PATIENCE);
    probe.onmessage = () => end(true);
    probe.onerror = probe.onclose = () => end(false);
  });
}

function draw(part: Part, state: "running" | "yes" | "no"): void {
  const list = need("check-list");
  const item = list.querySelector<HTMLElement>(`[data-check="${part}"]`) ?? document.createElement("li");
  item.dataset["check"] = part;
  item.dataset["state"] = state;
  item.textContent = say((state === "running" ? "check.running" : `check.${part}.${state}`) as Key);
  list.append(item);
}

function drawResult(state: "running" | "good" | "slower" | "not"): void {
  const result = need("check-result");
  result.dataset["state"] = state;
  result.textContent = say(state === "running" ? "check.running" : `check.result.${state}`);
}

async function check(): Promise<void> {
  drawResult("running");
  for (const part of PARTS) draw(part, "running");
  const found = await Promise.all(
    PARTS.map(async (part) => {
      const works = await tries[part]();
      draw(part, works ? "yes" : "no");
      return [part, works] as const;
    }),
  );
  for (const [part, works] of found) draw(part, works ? "yes" : "no");
  const works = new Map<Part, boolean>(found);
  const able = works.get("secure") && works.get("storage") && works.get("answer");
  drawResult(!able ? "not" : works.get("socket") ? "good" : "slower");
}

showWhatNeedsScript();
need("check-again").addEventListener("click", () => void check());
void check();
