/** What the server wrote into the page for the script, and the elements the script attaches to. */

export function boot<T>(): T {
  const element = document.getElementById("boot");
  if (!element) throw new Error("the page has nothing to begin with");
  element.remove(); // Names stand in it: nothing of a session may stay in the page once it is covered.
  return JSON.parse(element.textContent ?? "") as T;
}

/** The element that the templates mark with `data-copage="name"`. */
export function find(name: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-copage="${name}"]`);
}

/** As `find`, for what every page of this kind has. */
export function need(name: string): HTMLElement {
  const element = find(name);
  if (!element) throw new Error(`the page has no ${name}`);
  return element;
}

/** Show what makes sense only with script. */
export function showWhatNeedsScript(): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-needs-script]")) element.hidden = false;
}
