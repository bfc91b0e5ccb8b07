/** A button that is pressed twice sends its form once: a second session, or a second knock, is never what was meant. */

const AGAIN_AFTER = 3_000;

export function sendFormsOnce(): void {
  const sent = new WeakMap<EventTarget, number>();
  document.addEventListener("submit", (event) => {
    const { target } = event;
    if (!target) return;
    const before = sent.get(target);
    if (before !== undefined && performance.now() - before < AGAIN_AFTER) event.preventDefault();
    else sent.set(target, performance.now());
  });
}
