/** What is said to screen readers about the notes: at most one sentence in ten seconds, or nobody could read. */

const AT_MOST_EVERY = 10_000;

export class Announcer {
  private saidAt = -Infinity;
  private waiting: { readonly words: string; readonly stillTrue: () => boolean; readonly matters: boolean } | null = null;

  constructor(private readonly place: HTMLElement) {}

  /** Say it now, or when it is time and it is still true. Something newer takes its place, unless it `matters` more. */
  say(words: string, now: number, stillTrue: () => boolean = () => true, matters = false): void {
    if (matters || !this.waiting?.matters) this.waiting = { words, stillTrue, matters };
    this.tick(now);
  }

  tick(now: number): void {
    if (!this.waiting || now - this.saidAt < AT_MOST_EVERY) return;
    const { words, stillTrue } = this.waiting;
    this.waiting = null;
    if (!stillTrue()) return;
    this.saidAt = now;
    this.place.textContent = words;
  }
}
