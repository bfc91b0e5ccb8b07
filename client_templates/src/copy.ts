/** Copying a link or words that stand on the page. */

const SAID_FOR = 4_000;

function isField(element: HTMLElement): element is HTMLInputElement | HTMLTextAreaElement {
  return element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
}

/** What a field holds now, or the words of a part of the page as they are seen, line by line. */
function wordsOf(element: HTMLElement): string {
  return isField(element) ? element.value : element.innerText.trim();
}

async function copy(button: HTMLElement): Promise<void> {
  const source = document.getElementById(button.dataset["from"] ?? "");
  if (!source) return;
  try {
    await navigator.clipboard.writeText(wordsOf(source));
  } catch {
    // The browser does not let us: mark it, so that the person can copy it.
    if (isField(source)) source.select();
    else window.getSelection()?.selectAllChildren(source);
    return;
  }
  const before = button.textContent;
  button.textContent = button.dataset["done"] ?? before;
  setTimeout(() => (button.textContent = before), SAID_FOR);
}

/** Have every button that is marked so copy what its `data-from` names. */
export function makeCopyButtonsWork(): void {
  for (const button of document.querySelectorAll<HTMLElement>('[data-copage="copy"]')) {
    button.addEventListener("click", () => void copy(button));
  }
}
