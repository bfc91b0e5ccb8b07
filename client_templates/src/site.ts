/** Small comforts outside a session: copying a link. */

import { showWhatNeedsScript } from "./boot.js";

const SAID_FOR = 4_000;

function wordsOf(element: HTMLElement): string {
  return element instanceof HTMLInputElement ? element.value : (element.textContent ?? "").trim();
}

async function copy(button: HTMLElement): Promise<void> {
  const source = document.getElementById(button.dataset["from"] ?? "");
  if (!source) return;
  try {
    await navigator.clipboard.writeText(wordsOf(source));
  } catch {
    // The browser does not let us: mark the link, so that the person can copy it.
    if (source instanceof HTMLInputElement) source.select();
    else window.getSelection()?.selectAllChildren(source);
    return;
  }
  const before = button.textContent;
  button.textContent = button.dataset["done"] ?? before;
  setTimeout(() => (button.textContent = before), SAID_FOR);
}

showWhatNeedsScript();
for (const button of document.querySelectorAll<HTMLElement>('[data-copage="copy"]')) {
  button.addEventListener("click", () => void copy(button));
}
