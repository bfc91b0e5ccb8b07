/**
 * Long-polling that lets go. The library's own transports leave a hanging request open when they are closed, and a
 * browser opens six connections to a server at most: after a few such requests nothing gets through any more.
 */

import { Fetch } from "socket.io-client";

/** A poll is answered by the next ping (2 s) at the latest; what takes much longer hangs. */
const REQUEST_LIVES = 6_000;
const CLOSING_LIVES = 1_000;

export class Polling extends Fetch {
  protected override supportsBinary = true;
  private readonly requests = new Set<AbortController>();

  override doPoll(): void {
    this.request("GET", null).then(
      (text) => this.onData(text),
      (error: unknown) => this.onError("poll", error),
    );
  }

  override doWrite(data: string, done: () => void): void {
    this.request("POST", data).then(done, (error: unknown) => this.onError("post", error));
  }

  /** Tell the server if it was open, then end every request. */
  override doClose(): void {
    const before = [...this.requests];
    if (this.readyState === "open") super.doClose();
    for (const request of before) request.abort();
    setTimeout(() => {
      for (const request of this.requests) request.abort();
    }, CLOSING_LIVES);
  }

  private async request(method: "GET" | "POST", body: string | null): Promise<string> {
    const request = new AbortController();
    this.requests.add(request);
    const timer = setTimeout(() => request.abort(), REQUEST_LIVES);
    const headers = { ...this.opts.extraHeaders, ...(body !== null && { "Content-Type": "text/plain;charset=UTF-8" }) };
    try {
      const { signal } = request;
      const response = await fetch(this.uri(), { method, body, headers, signal, cache: "no-store", redirect: "error" });
      if (!response.ok) throw new Error(`answered ${response.status}`);
      return await response.text();
    } finally {
      clearTimeout(timer);
      this.requests.delete(request);
    }
  }
}
