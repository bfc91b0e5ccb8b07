/** The waiting page, and the pages to read meanwhile: ask whether anything has come of it, and find kind words. */

import { boot, find, showWhatNeedsScript } from "./boot.js";
import { noteEveryLeaving } from "./recent.js";
import { sayFrom } from "./words.js";

interface Boot {
  readonly ticket: string;
  /** Seconds since this person knocked, when the page was made; and after how many the page says more. */
  readonly waited: number;
  readonly later: readonly number[];
  readonly words: Readonly<Record<string, string>>;
}

interface News {
  readonly state: string;
  readonly sentence: string;
}

const ASK_EVERY = 2_000;
const ANSWER_LIVES = 6_000;
const NO_ANSWER_AFTER = 3;

class WaitingPage {
  private readonly say = sayFrom(this.boot.words);
  private readonly began = performance.now();
  private asking = false;
  private unanswered = 0;

  constructor(private readonly boot: Boot) {}

  start(): void {
    showWhatNeedsScript();
    noteEveryLeaving();
    setInterval(() => void this.ask(), ASK_EVERY);
    document.addEventListener("visibilitychange", () => document.hidden || void this.ask());
    window.addEventListener("pageshow", ({ persisted }) => persisted && void this.ask());
  }

  private async ask(): Promise<void> {
    this.sayKindWords();
    if (this.asking) return;
    this.asking = true;
    try {
      const response = await fetch(`/s/${this.boot.ticket}/news`, {
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(ANSWER_LIVES),
      });
      if (response.status === 403 || response.status === 404) this.goOn();
      else if (response.ok) this.heard((await response.json()) as News);
      else throw new Error(`news answered ${response.status}`);
      this.unanswered = 0;
    } catch {
      this.unanswered += 1;
    } finally {
      this.asking = false;
    }
    this.write("no-answer", this.unanswered >= NO_ANSWER_AFTER ? this.say("waiting.no_answer") : "");
  }

  private heard({ state, sentence }: News): void {
    this.write("sentence-words", sentence);
    this.show("sentence", sentence !== "");
    if (state === "waiting") return;
    // Nobody who reads is moved: they are told, and go in when they want.
    if (state === "admitted" && !find("by-itself")) this.show("let-in", true);
    else this.goOn();
  }

  /** The ticket's own address shows what is so. */
  private goOn(): void {
    location.replace(`/s/${this.boot.ticket}`);
  }

  private sayKindWords(): void {
    const waited = this.boot.waited + (performance.now() - this.began) / 1_000;
    const long = this.boot.later.filter((after) => waited >= after).length;
    this.show("later-1", long === 1);
    this.show("later-2", long === 2);
  }

  private show(name: string, shown: boolean): void {
    const element = find(name);
    if (element) element.hidden = !shown;
  }

  private write(name: string, words: string): void {
    const element = find(name);
    if (element && element.textContent !== words) element.textContent = words;
  }
}

new WaitingPage(boot<Boot>()).start();
