/**
 * *Leave now*. The right to come back to the session goes in the same frame, without asking any network: the ticket
 * needs two cookies, and the script can take away one of them. Then the server is told, until it has heard.
 */

const AGAIN_AFTER = 2_000;
/** A request that hangs keeps one of the browser's few connections to the server from everything else. */
const REQUEST_LIVES = 4_000;

function hereCookie(ticket: string): string {
  return `copage_here_${ticket}`;
}

/** Whether this browser still holds the ticket of this page. */
export function holdsTicket(ticket: string): boolean {
  return document.cookie.split("; ").some((each) => each.startsWith(`${hereCookie(ticket)}=`));
}

export function giveUpTicket(ticket: string): void {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${hereCookie(ticket)}=; Path=/s/${ticket}; Max-Age=0; SameSite=Strict${secure}`;
}

/** Whether the server says that the ticket is no good any more. No answer is not a no. */
export async function isRefused(address: string): Promise<boolean> {
  try {
    const { type, status } = await ask(address, { cache: "no-store" });
    return type === "opaqueredirect" || status === 401 || status === 403 || status === 404 || status === 410;
  } catch {
    return false;
  }
}

/** Tell the server until it answers; `notYet` each time it could not be reached. The request outlives the page. */
export async function tellServer(ticket: string, notYet: () => void): Promise<void> {
  for (;;) {
    try {
      const response = await ask(`/s/${ticket}/leave`, { method: "POST", keepalive: true });
      if (response.status < 500) return;
    } catch {
      // No network: said below, tried again.
    }
    notYet();
    await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER));
  }
}

async function ask(address: string, how: RequestInit): Promise<Response> {
  const request = new AbortController();
  const timer = setTimeout(() => request.abort(), REQUEST_LIVES);
  try {
    return await fetch(address, { ...how, redirect: "manual", signal: request.signal });
  } finally {
    clearTimeout(timer);
  }
}
