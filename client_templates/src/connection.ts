/** The wire: socket.io-client, told by `attempts.ts` when to open what. Nothing here knows what the messages mean. */

import { io, WebSocket, type Socket } from "socket.io-client";

import { Attempts, type Attempt, type Steps } from "./attempts.js";
import { Polling } from "./polling.js";
import { SERVER_EVENTS, type ClientMessage, type Goodbye, type Hello, type ServerMessage } from "./wire.js";

export interface Hears {
  hello(): Hello;
  received(message: ServerMessage): void;
  lost(): void;
  /** An attempt ended without a welcome. The server may have refused it, and a browser does not tell. */
  turnedAway(): void;
  /** WebSockets do not work here: worth remembering for as long as the tab is open. */
  pollingOnly(): void;
}

/** The server pings every 2 s; longer silence than this, seen on waking up, means the connection is dead. */
const SILENCE = 3_000;
/** Answers anybody, with or without a ticket. */
const KNOCK_AT = "/check/answer";
const TRANSPORTS = { websocket: WebSocket, polling: Polling } as const;

export class Connection {
  private readonly attempts: Attempts;
  private readonly sockets = new Map<Attempt, Socket>();
  private readonly knocking = new Map<Attempt, AbortController>();
  private live: { readonly attempt: Attempt; readonly socket: Socket } | null = null;
  private stopped = true;
  private saidGoodbye = false;
  private heardAt = 0;
  private tickedAt = Date.now();

  /** `path`: where the live endpoint of this ticket is. Call `start`, and `tick` a few times a second. */
  constructor(
    private readonly path: string,
    private readonly hears: Hears,
    pollingOnly: boolean,
  ) {
    this.attempts = new Attempts(pollingOnly, Math.random);
  }

  start(): void {
    this.stopped = false;
    this.tickedAt = Date.now();
    this.hurry();
  }

  /** Close, and try nothing more until `start`. */
  stop(): void {
    this.stopped = true;
    this.drop();
    this.abandon(this.attempts.stop());
  }

  /** Try nothing more, but leave an open connection as it is. */
  noMore(): void {
    this.stopped = true;
  }

  send(messages: readonly ClientMessage[]): void {
    for (const [name, payload] of messages) this.live?.socket.emit(name, payload);
  }

  tick(): void {
    const [before, wall] = [this.tickedAt, Date.now()];
    this.tickedAt = wall;
    // Timers stood still: the device slept.
    if (wall - before > SILENCE) this.wake();
    if (!this.stopped) this.carryOut(this.attempts.tick(performance.now()));
  }

  /** The person or the network is back. A connection that has been silent is not trusted. */
  wake(): void {
    if (this.live && performance.now() - this.heardAt > SILENCE) this.drop();
    this.hurry();
  }

  /** Take the connection for dead, whatever the browser believes. */
  drop(): void {
    if (this.live) this.ended(this.live.attempt, false);
  }

  private hurry(): void {
    if (this.stopped) return;
    const now = performance.now();
    this.abandon(this.attempts.hurry(now));
    this.carryOut(this.attempts.tick(now));
  }

  private carryOut(steps: Steps): void {
    this.abandon(steps);
    for (const attempt of steps.open) this.open(attempt);
  }

  private abandon({ abandon }: Steps): void {
    for (const attempt of abandon) this.close(attempt);
  }

  private open(attempt: Attempt): void {
    if (attempt.knocks) void this.knock(attempt);
    else this.connect(attempt);
  }

  private async knock(attempt: Attempt): Promise<void> {
    const asking = new AbortController();
    this.knocking.set(attempt, asking);
    const answered = await fetch(KNOCK_AT, { cache: "no-store", signal: asking.signal }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (!this.knocking.delete(attempt)) return; // Abandoned meanwhile.
    if (answered) {
      this.connect(attempt);
      return;
    }
    this.attempts.unanswered(attempt, performance.now());
    this.hears.turnedAway();
  }

  private connect(attempt: Attempt): void {
    const socket = io({
      path: this.path,
      transports: [TRANSPORTS[attempt.way]],
      upgrade: false,
      reconnection: false,
      forceNew: true,
      extraHeaders: { "X-Copage": "1" },
      auth: (give) => give(this.hears.hello()),
    });
    this.sockets.set(attempt, socket);
    for (const name of SERVER_EVENTS) {
      socket.on(name, (payload: unknown) => this.heard(attempt, [name, payload] as unknown as ServerMessage));
    }
    socket.io.on("ping", () => this.noteHeard(attempt));
    socket.on("connect_error", (error) => this.refused(attempt, (error as { data?: Goodbye }).data));
    socket.on("disconnect", () => this.ended(attempt, true));
    // The engine can close after it opened and before the namespace did: neither of the two above is told then.
    socket.io.on("close", () => this.ended(attempt, true));
  }

  private heard(attempt: Attempt, message: ServerMessage): void {
    const socket = this.sockets.get(attempt);
    if (!socket) return;
    if (message[0] === "welcome" && !this.live) {
      this.live = { attempt, socket };
      this.saidGoodbye = false;
      const knew = this.attempts.pollingOnly;
      this.abandon(this.attempts.welcomed(attempt, performance.now()));
      if (this.attempts.pollingOnly && !knew) this.hears.pollingOnly();
    }
    if (message[0] === "goodbye") this.saidGoodbye = true;
    else if (this.live?.attempt !== attempt) return;
    this.noteHeard(attempt);
    this.hears.received(message);
  }

  private noteHeard(attempt: Attempt): void {
    if (this.live?.attempt === attempt) this.heardAt = performance.now();
  }

  private refused(attempt: Attempt, goodbye: Goodbye | undefined): void {
    if (goodbye && !goodbye.retry) this.heard(attempt, ["goodbye", goodbye]);
    this.ended(attempt, true);
  }

  private ended(attempt: Attempt, byItself: boolean): void {
    if (!this.sockets.has(attempt)) return;
    this.close(attempt);
    const now = performance.now();
    if (this.live?.attempt !== attempt) {
      this.attempts.closed(attempt, now);
      this.hears.turnedAway();
    } else {
      this.live = null;
      this.attempts.lost(now, byItself && !this.saidGoodbye && navigator.onLine);
      this.hears.lost();
    }
    if (!this.stopped) this.carryOut(this.attempts.tick(now));
  }

  private close(attempt: Attempt): void {
    this.knocking.get(attempt)?.abort();
    this.knocking.delete(attempt);
    const socket = this.sockets.get(attempt);
    this.sockets.delete(attempt);
    socket?.disconnect();
  }
}
