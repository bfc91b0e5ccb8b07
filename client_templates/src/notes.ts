/**
 * The notes as one window has them: what the server has, and what this person has written besides. Without clock, socket,
 * storage and page: `conversation.ts` sends, `keeper.ts` keeps on the device, `textbox.ts` shows, and the simulated world
 * (`tests/world/`) runs this very file.
 *
 * `kept` is what the server has. `mine` is that and what it has not yet: what the person sees. What is written stands under
 * a client id that this window drew and no other ever uses ([NT2]).
 */

import * as Y from "yjs";

import { fromBase64 } from "./base64.js";
import { digest } from "./digest.js";
import { changeOf, clean, pieces, type Step } from "./diff.js";

export const BOXES = ["looked", "brought_up", "felt", "next"] as const;
export type Box = (typeof BOXES)[number];

/** What a box holds, in bytes of UTF-8: `BOX_BYTES` of the server. */
export const BOX_BYTES = 200_000;
/** A passage longer than this that is deleted at once can be brought back: such a deletion travels alone. */
export const PASSAGE = 40;
/** One update stays below what the server takes: so many letters of three bytes are 90 KB. */
const PIECE = 30_000;
/** Updates that wait are sent as one up to this size: of the smallest pieces these are fewer than the server takes. */
const TOGETHER = 4_000;
/** Typing without a longer break than this, in milliseconds, is undone at once. */
const BREAK = 1_000;

/** A piece of writing of one window, as it is kept on the device and sent. `length` 0: something was only deleted. */
export interface Words {
  readonly id: string;
  readonly box: Box;
  readonly client: number;
  readonly clock: number;
  readonly length: number;
  readonly deletes: number;
  readonly update: Uint8Array;
  /** The passage that it brings back. Such a piece travels alone. */
  readonly back?: string;
}

/** What did not reach the notes. */
export interface Offer {
  readonly box: Box;
  readonly text: string;
}

/** What happened to a box: `steps` of another person's change; null: read the box anew. */
export type Watcher = (box: Box, steps: readonly Step[] | null) => void;

const LOCAL = "local";
const REMOTE = "remote";

export class Notes {
  private kept: Y.Doc;
  private mine: Y.Doc;
  private undoers = new Map<Box, Y.UndoManager>();
  private readonly watchers: Watcher[] = [];
  private drafts: Words[] = [];
  private serial = 0;
  private editing: Box = BOXES[0];
  private gesture = 0;
  private editedAt = -Infinity;
  /** The box in which an input method is at work, and what others wrote into it meanwhile. */
  private held: { readonly box: Box; readonly updates: Uint8Array[] } | null = null;

  /** `words`: what the server has, as it came. `draw`: a random number below 2^32 that is not 0. */
  constructor(
    words: string | null,
    private readonly draw: () => number,
  ) {
    this.kept = documentOf(words === null ? null : fromBase64(words));
    this.mine = this.begin();
  }

  /** The id under which this window writes. */
  get client(): number {
    return this.mine.clientID;
  }

  text(box: Box): string {
    return this.mine.getText(box).toString();
  }

  /** Hear what happens to the boxes, but for what `write` does itself. */
  watch(watcher: Watcher): void {
    this.watchers.push(watcher);
  }

  // --- what the person does ---

  /** The box is `after` now, and the caret stands at `caret`. Gives the text as the notes hold it. */
  write(box: Box, after: string, caret: number, now: number): string {
    const change = changeOf(this.text(box), clean(after), caret);
    if (change) this.change(box, change.at, change.removed, change.inserted, now);
    return this.text(box);
  }

  /** Put words in at a place, as one gesture of this person. `back`: the passage that they are. */
  put(box: Box, at: number, words: string, now: number, back?: string): void {
    const first = this.drafts.length;
    this.change(box, at, 0, clean(words), now);
    const [draft] = this.drafts.splice(first, 1);
    if (draft) this.drafts.splice(first, 0, back === undefined ? draft : { ...draft, back });
    this.tell(box, null);
  }

  /** Something is written that has not been collected yet. */
  get writes(): Box | null {
    return this.held?.box ?? this.drafts[0]?.box ?? null;
  }

  /** Take back what this person did last in the box, and nothing of anybody else's. False: there is nothing. */
  undo(box: Box): boolean {
    return this.step(box, "undo");
  }

  redo(box: Box): boolean {
    return this.step(box, "redo");
  }

  can(box: Box, what: "undo" | "redo"): boolean {
    return this.undoer(box)[what === "undo" ? "canUndo" : "canRedo"]();
  }

  /** Where a passage stood that was deleted: its unit's id is `place`. The end of the box if that is not known here. */
  placeOf(box: Box, [client, clock]: readonly [number, number]): number {
    const place = new Y.RelativePosition(null, null, Y.createID(client, clock));
    const found =
      clock < Y.getState(this.mine.store, client) ? Y.createAbsolutePositionFromRelativePosition(place, this.mine) : null;
    return found && found.type === this.mine.getText(box) ? found.index : this.text(box).length;
  }

  /** What was written since the last time, in pieces that are kept and sent one by one. */
  collect(): readonly Words[] {
    const found: Words[] = [];
    while (this.drafts[0]) {
      const { count, update } = firstTogether(this.drafts);
      const drafts = this.drafts.splice(0, count);
      const sum = (what: "length" | "deletes"): number => drafts.reduce((all, each) => all + each[what], 0);
      const [first] = drafts;
      if (first) found.push({ ...first, length: sum("length"), deletes: sum("deletes"), update });
    }
    return found;
  }

  // --- while an input method is at work in a box ---

  hold(box: Box): void {
    this.held = { box, updates: [] };
  }

  release(): void {
    const held = this.held;
    this.held = null;
    for (const update of held?.updates ?? []) Y.applyUpdate(this.mine, update, REMOTE);
  }

  // --- what the server says ---

  /** An event: something was written, here (`own`) or elsewhere. It is on disk. */
  written(box: string, update: string, own: boolean): void {
    const bytes = fromBase64(update);
    Y.applyUpdate(this.kept, bytes, REMOTE);
    if (own) return;
    if (this.held?.box === box) this.held.updates.push(bytes);
    else Y.applyUpdate(this.mine, bytes, REMOTE);
  }

  /** How far the server has what was written under an id. */
  has(client: number): number {
    return Y.getState(this.kept.store, client);
  }

  /**
   * The whole of what the server has, in place of what we thought it has. `unsent` is what it has not acknowledged. Gives
   * what cannot come any more, if our past is not the server's: then this window goes on from the server's, under a new id.
   */
  replaced(words: string, unsent: readonly Words[]): readonly Offer[] | null {
    this.release();
    const before = this.kept;
    this.kept = documentOf(fromBase64(words));
    const own = unsent.filter(({ client, length }) => client === this.client && length);
    const acknowledged = own[0]?.clock ?? Y.getState(this.mine.store, this.client);
    for (const [client, clock] of Y.decodeStateVector(Y.encodeStateVector(this.mine))) {
      const here = client === this.client ? acknowledged : Y.getState(before.store, client);
      if (this.has(client) < Math.min(here, clock)) return this.giveUp();
    }
    const anew = copyOf(this.kept);
    for (const { client, update } of unsent) if (client === this.client) Y.applyUpdate(anew, update);
    Y.applyUpdate(this.mine, Y.encodeStateAsUpdate(this.kept), REMOTE);
    if (!BOXES.every((box) => anew.getText(box).toString() === this.text(box))) this.goOnFrom(anew, this.client);
    return null;
  }

  /** Something was refused for good: go on from what the server has, under a new id. Gives what this window had besides. */
  giveUp(): readonly Offer[] {
    const from = this.has(this.client);
    const offers = BOXES.map((box) => ({ box, text: textFrom(this.mine.getText(box), this.client, from) }));
    this.drafts = [];
    this.held = null;
    this.goOnFrom(copyOf(this.kept), this.drawNew());
    return offers.filter(({ text }) => text !== "");
  }

  /** The words of pieces that another window wrote and that do not fit any more. */
  read(pieces: readonly Words[]): readonly Offer[] {
    const first = pieces[0];
    if (!first) return [];
    const tried = copyOf(this.kept);
    const from = Y.getState(tried.store, first.client);
    for (const { update } of pieces) Y.applyUpdate(tried, update);
    const offers = BOXES.map((box) => ({ box, text: textFrom(tried.getText(box), first.client, from) }));
    const fits = offers.filter(({ text }) => text !== "");
    return fits.length ? fits : [{ box: first.box, text: pieces.map(({ update }) => lettersIn(update)).join("") }];
  }

  /** The letters of pieces, piece by piece. */
  textOf(pieces: readonly Words[]): readonly string[] {
    return pieces.map(({ update }) => lettersIn(update));
  }

  /** What the boxes are at the server's position, for comparing with the server. */
  digests(): Record<Box, number> {
    const sums = BOXES.map((box) => [box, digest(this.kept.getText(box).toString())] as const);
    return Object.fromEntries(sums) as Record<Box, number>;
  }

  /** With nothing on the way, what the person sees is what the server has. If not, mend it. */
  isAtRest(): boolean {
    if (this.held || this.drafts.length) return true;
    if (BOXES.every((box) => this.text(box) === this.kept.getText(box).toString())) return true;
    this.goOnFrom(copyOf(this.kept), this.drawNew());
    return false;
  }

  // --- inside ---

  private change(box: Box, at: number, removed: number, inserted: string, now: number): void {
    const large = removed > PIECE || inserted.length > PIECE;
    if (large || removed > PASSAGE || inserted.length > PASSAGE || now - this.editedAt > BREAK || this.editing !== box) {
      this.gesture += 1;
      this.undoer(box).stopCapturing();
    }
    this.editedAt = removed > PASSAGE || inserted.length > PASSAGE ? -Infinity : now;
    this.editing = box;
    const text = this.mine.getText(box);
    const gone = text.toString().slice(at, at + removed);
    // A deletion of a passage travels alone, so that the passage is known for what it was.
    for (const piece of pieces(gone, PIECE)) this.act(box, () => text.delete(at, piece.length), large);
    let next = at;
    for (const piece of pieces(inserted, PIECE)) {
      this.act(box, () => text.insert(next, piece), large);
      next += piece.length;
    }
  }

  private act(box: Box, what: () => void, alone: boolean): void {
    this.mine.transact(what, LOCAL);
    if (alone) this.undoer(box).stopCapturing();
  }

  private step(box: Box, what: "undo" | "redo"): boolean {
    const undoer = this.undoer(box);
    const stack = (): Y.UndoManager["undoStack"] => (what === "undo" ? undoer.undoStack : undoer.redoStack);
    const gesture = stack().at(-1)?.meta.get("gesture") as number | undefined;
    if (gesture === undefined) return false;
    this.editing = box;
    this.gesture = gesture;
    do undoer[what]();
    while (stack().at(-1)?.meta.get("gesture") === gesture);
    this.gesture += 1;
    this.editedAt = -Infinity;
    this.tell(box, null);
    return true;
  }

  private undoer(box: Box): Y.UndoManager {
    const known = this.undoers.get(box);
    if (known) return known;
    // When to begin a new step is decided in `change`, where the time is known.
    const how = { trackedOrigins: new Set([LOCAL]), captureTimeout: Number.MAX_SAFE_INTEGER };
    const undoer = new Y.UndoManager(this.mine.getText(box), how);
    undoer.on("stack-item-added", ({ stackItem }: { stackItem: { meta: Map<unknown, unknown> } }) => {
      stackItem.meta.set("gesture", this.gesture);
    });
    this.undoers.set(box, undoer);
    return undoer;
  }

  private begin(document = copyOf(this.kept), client = this.drawNew()): Y.Doc {
    document.clientID = client;
    this.undoers = new Map();
    for (const box of BOXES) {
      document.getText(box).observe(({ delta }, { origin }) => origin === REMOTE && this.tell(box, delta as readonly Step[]));
    }
    document.on("update", (update: Uint8Array, _: unknown, __: Y.Doc, { local, beforeState, afterState, deleteSet }: Y.Transaction) => {
      if (!local) return;
      const clock = beforeState.get(client) ?? 0;
      const length = (afterState.get(client) ?? 0) - clock;
      let deletes = 0;
      for (const ranges of deleteSet.clients.values()) for (const { len } of ranges) deletes += len;
      this.drafts.push({ id: this.name(), box: this.editing, client, clock, length, deletes, update });
    });
    this.mine = document;
    for (const box of BOXES) this.undoer(box);
    return document;
  }

  private goOnFrom(document: Y.Doc, client: number): void {
    for (const undoer of this.undoers.values()) undoer.destroy();
    this.mine.destroy();
    this.begin(document, client);
    for (const box of BOXES) this.tell(box, null);
  }

  private drawNew(): number {
    for (;;) {
      const drawn = this.draw();
      if (drawn && !this.has(drawn)) return drawn;
    }
  }

  private name(): string {
    this.serial += 1;
    return `${this.client}.${this.serial}`;
  }

  private tell(box: Box, steps: readonly Step[] | null): void {
    for (const watcher of this.watchers) watcher(box, steps);
  }
}

/** The first of these pieces and those after it that may travel with it, as one update. `count`: how many they are. */
export function firstTogether(words: readonly Words[]): { readonly count: number; readonly update: Uint8Array } {
  let [count, size, deletes, clock] = [0, 0, 0, words[0]?.clock];
  for (const each of words) {
    // What lay between two pieces may have arrived by itself.
    const fits = each.client === words[0]?.client && each.box === words[0].box && each.clock === clock;
    const small = size + each.update.length <= TOGETHER && deletes + each.deletes <= PASSAGE;
    if (count && !(fits && small && !each.back && !words[0]?.back)) break;
    count += 1;
    clock = each.clock + each.length;
    size += each.update.length;
    deletes += each.deletes;
  }
  const updates = words.slice(0, count).map(({ update }) => update);
  return { count, update: updates.length === 1 && updates[0] ? updates[0] : Y.mergeUpdates(updates) };
}

function documentOf(update: Uint8Array | null): Y.Doc {
  const document = new Y.Doc();
  for (const box of BOXES) document.getText(box);
  if (update?.length) Y.applyUpdate(document, update, REMOTE);
  return document;
}

function copyOf(document: Y.Doc): Y.Doc {
  return documentOf(Y.encodeStateAsUpdate(document));
}

/** What stands in a text that was written under `client` from `clock` on. */
function textFrom(text: Y.Text, client: number, clock: number): string {
  let found = "";
  for (let item = text._start; item; item = item.right) {
    if (item.deleted || item.id.client !== client || !(item.content instanceof Y.ContentString)) continue;
    found += item.content.str.slice(Math.max(0, clock - item.id.clock));
  }
  return found;
}

/** The letters in an update, in the order in which they were written: all that is left where it fits nowhere. */
function lettersIn(update: Uint8Array): string {
  return Y.decodeUpdate(update)
    .structs.map((struct) => (struct instanceof Y.Item && struct.content instanceof Y.ContentString ? struct.content.str : ""))
    .join("");
}
