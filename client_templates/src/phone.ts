/** Manners on a phone: the screen stays on while people look at it together, and nothing hides behind its keyboard. */

/** Keep the screen from going dark while `wanted()` and the page is in sight. Where a browser cannot, it goes dark. */
export class ScreenOn {
  private lock: WakeLockSentinel | null = null;
  private asking = false;

  constructor(private readonly wanted: () => boolean) {}

  /** Call this a few times a second. The browser lets go by itself when the page is out of sight. */
  tick(): void {
    const wanted = this.wanted() && !document.hidden;
    if (!wanted) {
      void this.lock?.release().catch(() => undefined);
      this.lock = null;
    } else if (!this.asking && (!this.lock || this.lock.released) && "wakeLock" in navigator) void this.ask();
  }

  private async ask(): Promise<void> {
    this.asking = true;
    // A battery that is nearly empty refuses. Asked again only when the page comes back into sight.
    this.lock = await navigator.wakeLock.request("screen").catch(() => null);
    if (this.lock) this.asking = false;
    else document.addEventListener("visibilitychange", () => (this.asking = false), { once: true });
  }
}

/** What lies over the lower edge of the window stands above a keyboard that covers it; `main.css` reads how much. */
export function keepAboveKeyboard(): void {
  const seen = window.visualViewport;
  const measure = (): void => {
    const covered = seen ? Math.max(0, window.innerHeight - seen.height - seen.offsetTop) : 0;
    // With two fingers the page is made larger: that is no keyboard.
    document.documentElement.style.setProperty("--covered-below", seen && seen.scale === 1 ? `${covered}px` : "0px");
  };
  for (const name of ["resize", "scroll"]) seen?.addEventListener(name, measure);
  measure();
}
