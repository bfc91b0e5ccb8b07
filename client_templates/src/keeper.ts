/**
 * What this device keeps of words that are not in the notes yet: in the browser's database, sealed under a key that the
 * server holds for this device and this session and forgets with them. Who finds the device later finds ciphertext.
 *
 * Each window holds a lock for as long as it lives. What a window left behind whose lock is free, another window of the
 * same device takes over. (localStorage would lose the last second when a browser is killed.)
 */

import { fromBase64, toBase64 } from "./base64.js";
import type { Words } from "./notes.js";
import type { Refused } from "./writing.js";

const DATABASE = "kept";
const STORE = "words";
/** What nobody came back for: no session and no closing page is open that long. */
const FORGOTTEN_AFTER = 48 * 3600 * 1000;
const NONCE_BYTES = 12;

/** A row. Only what is needed to find it stands in clear. */
interface Row {
  readonly n?: number;
  readonly ticket: string;
  readonly window: string;
  readonly at: number;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

type Kept = { readonly words: Omit<Words, "update"> & { readonly update: string } } | { readonly refused: Refused };

/** What an earlier window of this device left behind. */
export interface Left {
  readonly words: readonly Words[];
  readonly refused: readonly Refused[];
}

export class Keeper {
  private readonly rows = new Map<string, number>();
  private turn: Promise<unknown> = Promise.resolve();
  private over = false;

  private constructor(
    private readonly database: IDBDatabase,
    private readonly ticket: string,
    private readonly window: string,
    private readonly key: CryptoKey,
  ) {}

  /** Null when this browser can keep nothing safely: no secure address, no database, or no key for this device. */
  static async open(ticket: string, window: string, key: string | null): Promise<Keeper | null> {
    const { subtle } = crypto;
    if (key === null || !subtle || !navigator.locks) return null;
    try {
      const bytes = fromBase64(key);
      const imported = await subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
      const keeper = new Keeper(await openDatabase(), ticket, window, imported);
      await keeper.holdLock();
      await keeper.forgetOld();
      return keeper;
    } catch {
      return null; // Storage is switched off: the page says that nothing is kept.
    }
  }

  /** Have these on the device. Rejected when they cannot be. */
  async keep(words: readonly Words[]): Promise<void> {
    const rows = words.map(({ update, ...rest }) => ({ id: rest.id, kept: { words: { ...rest, update: toBase64(update) } } }));
    await this.inTurn(() => this.add(rows));
  }

  async keepRefused(refused: readonly (Refused & { readonly id: string })[]): Promise<void> {
    await this.inTurn(() => this.add(refused.map(({ id, box, text, code }) => ({ id, kept: { refused: { box, text, code } } }))));
  }

  async forget(ids: readonly string[]): Promise<void> {
    await this.inTurn(async () => {
      const numbers = ids.map((id) => this.rows.get(id)).filter((n) => n !== undefined);
      for (const id of ids) this.rows.delete(id);
      if (numbers.length) await this.change((store) => numbers.forEach((n) => store.delete(n)));
    });
  }

  /** What windows left behind that are gone. From now on it is this window's. */
  async takeOver(): Promise<Left> {
    const left = { words: [] as Words[], refused: [] as Refused[] };
    const windows = new Set((await this.all()).map((row) => row.window));
    windows.delete(this.window);
    for (const window of windows) {
      await navigator.locks.request(this.lock(window), { ifAvailable: true }, async (lock) => {
        if (!lock) return; // It lives, and sends by itself.
        for (const row of (await this.all()).filter((each) => each.window === window)) await this.takeRow(row, left);
      });
    }
    return left;
  }

  /** Nothing of this ticket stays on the device, or comes onto it any more: not even what is being sealed just now. */
  async forgetAll(): Promise<void> {
    this.over = true;
    await forgetWordsOf(this.ticket);
  }

  /** One after the other: nothing is kept before what was written before it, or after it has been forgotten. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async takeRow(row: Row, left: { words: Words[]; refused: Refused[] }): Promise<void> {
    const { n } = row;
    if (n === undefined) return;
    const kept = await this.open(row.sealed).catch(() => null);
    if (!kept) {
      await this.change((store) => store.delete(n)); // Of another key: nobody can read it any more.
      return;
    }
    await this.change((store) => store.put({ ...row, window: this.window }));
    if ("words" in kept) {
      this.rows.set(kept.words.id, n);
      left.words.push({ ...kept.words, update: fromBase64(kept.words.update) });
    } else {
      await this.change((store) => store.delete(n)); // It is shown, and kept anew under its new name.
      left.refused.push(kept.refused);
    }
  }

  private async add(rows: readonly { readonly id: string; readonly kept: Kept }[]): Promise<void> {
    const sealed = await Promise.all(rows.map(({ kept }) => this.seal(kept)));
    if (this.over) return;
    await this.change((store) => {
      rows.forEach(({ id }, i) => {
        const row = { ticket: this.ticket, window: this.window, at: Date.now(), sealed: sealed[i] };
        const adding = store.add(row);
        adding.onsuccess = () => this.rows.set(id, adding.result as number);
      });
    });
  }

  private async seal(kept: Kept): Promise<Uint8Array<ArrayBuffer>> {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const clear = new TextEncoder().encode(JSON.stringify(kept));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, this.key, clear);
    const bytes = new Uint8Array(NONCE_BYTES + sealed.byteLength);
    bytes.set(nonce);
    bytes.set(new Uint8Array(sealed), NONCE_BYTES);
    return bytes;
  }

  private async open(sealed: Uint8Array<ArrayBuffer>): Promise<Kept> {
    const iv = sealed.slice(0, NONCE_BYTES);
    const clear = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.key, sealed.slice(NONCE_BYTES));
    return JSON.parse(new TextDecoder().decode(clear)) as Kept;
  }

  private async all(): Promise<readonly Row[]> {
    const store = this.database.transaction(STORE).objectStore(STORE);
    return (await done(store.index("ticket").getAll(this.ticket))) as readonly Row[];
  }

  private async change(what: (store: IDBObjectStore) => void): Promise<void> {
    const transaction = this.database.transaction(STORE, "readwrite");
    what(transaction.objectStore(STORE));
    await committed(transaction);
  }

  private async forgetOld(): Promise<void> {
    await this.change((store) => {
      store.openCursor().onsuccess = ({ target }) => {
        const cursor = (target as IDBRequest<IDBCursorWithValue | null>).result;
        if (!cursor) return;
        if ((cursor.value as Row).at < Date.now() - FORGOTTEN_AFTER) cursor.delete();
        cursor.continue();
      };
    });
  }

  private async holdLock(): Promise<void> {
    await new Promise<void>((held) => {
      void navigator.locks.request(this.lock(this.window), () => {
        held();
        return new Promise(() => undefined); // Until the window is gone.
      });
    });
  }

  private lock(window: string): string {
    return `words of ${this.ticket}/${window}`; // A name may not begin with a hyphen.
  }
}

/** Delete all that this device keeps for a ticket; gives how much it was. */
export async function forgetWordsOf(ticket: string): Promise<number> {
  try {
    const transaction = (await openDatabase()).transaction(STORE, "readwrite");
    const store = transaction.objectStore(STORE);
    const keys = await done(store.index("ticket").getAllKeys(ticket));
    for (const key of keys) store.delete(key);
    await committed(transaction);
    return keys.length;
  } catch {
    return 0; // Storage is switched off: nothing was kept.
  }
}

async function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => {
    const store = opening.result.createObjectStore(STORE, { keyPath: "n", autoIncrement: true });
    store.createIndex("ticket", "ticket");
  };
  return done(opening);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}
