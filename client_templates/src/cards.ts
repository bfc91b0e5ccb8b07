/** Questions that another person's doing brings up. They lie over the lower edge of the window and move nothing. */

export type Choice = readonly [words: string, act: () => void];

export class Cards {
  private readonly shown = new Map<string, HTMLElement>();

  constructor(private readonly place: HTMLElement) {}

  /** Ask something; under the same `id` it takes the place of what was asked before. */
  ask(id: string, words: string, choices: readonly Choice[]): void {
    const card = document.createElement("section");
    card.className = "question";
    card.dataset["question"] = id;
    card.setAttribute("aria-label", words);
    const sentence = document.createElement("p");
    sentence.textContent = words;
    const row = document.createElement("div");
    row.className = "row";
    for (const [label, act] of choices) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.addEventListener("click", act);
      row.append(button);
    }
    card.append(sentence, row);
    const before = this.shown.get(id);
    if (before?.getAttribute("aria-label") === words) return;
    if (before) before.replaceWith(card);
    else this.place.append(card);
    this.shown.set(id, card);
  }

  /** It need not be answered any more. The keyboard goes on at the page, and not at its beginning. */
  drop(id: string): void {
    const card = this.shown.get(id);
    if (!card) return;
    const hadFocus = card.contains(document.activeElement);
    card.remove();
    this.shown.delete(id);
    if (hadFocus) document.querySelector<HTMLElement>("article[data-page]")?.focus({ preventScroll: true });
  }
}
