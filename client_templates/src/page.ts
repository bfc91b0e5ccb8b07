/** The shared page: fetched from the server as HTML. */

import { fragment } from "./fragment.js";

const FETCH_LIVES = 4_000;
const AGAIN_AFTER = 1_000;

function articleOf(html: string, page: string): HTMLElement {
  const article = fragment(html).querySelector<HTMLElement>("article[data-page]");
  if (article?.dataset["page"] !== page) throw new Error("the answer is another page");
  return article;
}

function pause(until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      until.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, AGAIN_AFTER);
    until.addEventListener("abort", done);
  });
}

export interface Shown {
  readonly page: string;
  readonly title: string;
}

export class PageArea {
  /** The page on the screen. */
  shown: string;
  private readonly fetched = new Map<string, Promise<string>>();
  private fetching = new AbortController();
  private asked = 0;

  /**
   * `place` holds exactly one article; `address` is where the HTML of a page comes from; `late` is called when a page
   * does not come at the first try.
   */
  constructor(
    private readonly place: HTMLElement,
    private readonly address: (page: string) => string,
    private readonly late: () => void,
  ) {
    this.shown = this.article()?.dataset["page"] ?? "";
  }

  /** Fetch a page that is likely to be opened in a moment. */
  prepare(page: string): void {
    this.html(page).catch(() => this.fetched.delete(page));
  }

  /** Put a page on the screen, trying until it comes. Null when another one was wanted meanwhile. */
  async open(page: string): Promise<Shown | null> {
    const asked = ++this.asked;
    this.place.setAttribute("aria-busy", "true");
    let article: HTMLElement | null = null;
    while (!article) {
      const { signal } = this.fetching;
      try {
        article = articleOf(await this.html(page), page);
      } catch {
        this.fetched.delete(page);
        if (asked === this.asked && !signal.aborted) {
          this.late();
          await pause(signal);
        }
      }
      if (asked !== this.asked) return null;
    }
    this.place.removeAttribute("aria-busy");
    return this.put(article);
  }

  /** The network is back: begin anew instead of waiting for requests that began before. */
  hurry(): void {
    const before = this.fetching;
    this.fetching = new AbortController();
    before.abort();
  }

  /** Let go of everything, also of what was kept for later. */
  clear(): void {
    this.asked += 1;
    this.hurry();
    this.fetched.clear();
  }

  private put(article: HTMLElement): Shown {
    const page = article.dataset["page"] ?? "";
    const hadFocus = this.place.contains(document.activeElement);
    this.place.replaceChildren(article);
    this.shown = page;
    // Otherwise the keyboard would start again at the top of the whole page.
    if (hadFocus) this.focus();
    return { page, title: article.querySelector("h1")?.textContent?.trim() ?? "" };
  }

  focus(): void {
    this.article()?.focus({ preventScroll: true });
  }

  /** Move to the top of the page and of what is said over it, or to where this person was on it. */
  scrollTo(y: number | null): void {
    window.scrollTo(0, y ?? Math.min(window.scrollY, this.top()));
  }

  /** Where the page's sheet begins right under what stays at the top of the window. */
  private top(): number {
    const sheet = this.place.parentElement ?? this.place;
    const staysAbove = document.querySelector<HTMLElement>(".top");
    const sticks = staysAbove !== null && getComputedStyle(staysAbove).position === "sticky";
    return sheet.getBoundingClientRect().top + window.scrollY - (sticks ? staysAbove.offsetHeight : 0);
  }

  private html(page: string): Promise<string> {
    const known = this.fetched.get(page);
    if (known) return known;
    const coming = this.fetchHtml(page);
    this.fetched.set(page, coming);
    return coming;
  }

  private async fetchHtml(page: string): Promise<string> {
    const { signal } = this.fetching;
    const own = new AbortController();
    const stop = (): void => own.abort();
    signal.addEventListener("abort", stop);
    const timer = setTimeout(stop, FETCH_LIVES);
    try {
      const response = await fetch(this.address(page), { signal: own.signal, redirect: "error" });
      if (!response.ok) throw new Error(`page answered ${response.status}`);
      return await response.text();
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }

  /** The page that is on the screen. */
  article(): HTMLElement | null {
    return this.place.querySelector<HTMLElement>("article[data-page]");
  }
}
