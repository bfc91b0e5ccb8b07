/**
 * The product's client modules behind a pipe: one line of JSON in, one line out, with as many clients as a world needs.
 * Time comes with each call, and so does what is drawn by chance. A line that holds an array is a batch, answered by an
 * array.
 */

import { readSync, writeSync } from "node:fs";

import { fromBase64, toBase64 } from "../../client_templates/src/base64.js";
import { Conversation } from "../../client_templates/src/conversation.js";
import { BOXES, type Box, type Words } from "../../client_templates/src/notes.js";
import type { Command, ServerMessage, View } from "../../client_templates/src/wire.js";

// What a library has to say must not stand between the answers.
console.log = console.warn = () => undefined;

interface Call {
  readonly client: string;
  readonly call: string;
  readonly args?: readonly unknown[];
  readonly now: number;
}

/** A piece of writing, as a device keeps it. */
type Kept = Omit<Words, "update"> & { readonly update: string };

const clients = new Map<string, Conversation>();
const NOTHING = { emits: [], notices: [], keep: [], forget: [], refused: [] };

function carryOut({ client, call, args = [], now }: Call): object {
  if (call === "reset") {
    clients.clear();
    return {};
  }
  if (call === "new") clients.set(client, begun(args[0] as string, args[1] as View | null, args[2] as number));
  const conversation = clients.get(client);
  if (!conversation) return { error: `no client ${client}` };
  const effects = askOf(conversation, call, args, now);
  if (!effects) return { error: `no call ${call}` };
  const { view, state, pending, here, writing } = conversation;
  const keep = effects.keep.map((words) => ({ ...words, update: toBase64(words.update) }));
  return { ...effects, keep, view, state, pending, here, unsent: writing.unsent.length, faults: writing.faults };
}

/** Client ids count up from one that the world has drawn: no two windows of a world have the same. */
function begun(window: string, view: View | null, first: number): Conversation {
  let drawn = first;
  return new Conversation(window, view, null, () => drawn++);
}

interface Answer {
  readonly keep: readonly Words[];
  readonly [more: string]: unknown;
}

function askOf(conversation: Conversation, call: string, args: readonly unknown[], now: number): Answer | undefined {
  const { notes } = conversation;
  switch (call) {
    case "new":
    case "dump":
      return NOTHING;
    case "hello":
      return { ...NOTHING, hello: conversation.hello() };
    case "received":
      return { ...conversation.received(args as unknown as ServerMessage, now) };
    case "disconnected":
      return { ...conversation.disconnected(now) };
    case "submit":
      return { ...conversation.submit(args[0] as Command, now) };
    case "tick":
      return { ...conversation.tick(now) };
    case "texts":
      return { ...NOTHING, texts: Object.fromEntries(BOXES.map((box) => [box, notes.text(box)])), client: notes.client };
    case "type":
      notes.write(args[0] as Box, args[1] as string, args[2] as number, now);
      return { ...conversation.collect(now), text: notes.text(args[0] as Box) };
    case "undo":
    case "redo":
      notes[call](args[0] as Box);
      return { ...conversation.collect(now), text: notes.text(args[0] as Box) };
    case "bring_back":
      return { ...bringBack(conversation, now) };
    case "hold":
      notes.hold(args[0] as Box);
      return NOTHING;
    case "release":
      notes.release();
      return NOTHING;
    case "kept":
      return { ...conversation.kept(args[0] as string[], now) };
    case "take_over":
      return { ...conversation.takeOver((args[0] as Kept[]).map((each) => ({ ...each, update: fromBase64(each.update) })), now) };
    default:
      return undefined;
  }
}

/** The first passage that can be brought back, as the button does it. */
function bringBack(conversation: Conversation, now: number): Answer {
  const passage = conversation.view?.passages[0];
  if (!passage) return NOTHING;
  const { notes } = conversation;
  const box = passage.box as Box;
  notes.put(box, notes.placeOf(box, passage.place), passage.text, now, passage.id);
  return { ...conversation.collect(now), box, text: notes.text(box) };
}

function answer(line: string): string {
  const asked = JSON.parse(line) as Call | readonly Call[];
  return JSON.stringify(Array.isArray(asked) ? asked.map(carryOut) : carryOut(asked as Call)) + "\n";
}

function say(text: string): void {
  const bytes = Buffer.from(text);
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(1, bytes, sent);
}

const chunk = Buffer.alloc(1 << 16);
let rest: Buffer = Buffer.alloc(0);
for (let size = readSync(0, chunk); size > 0; size = readSync(0, chunk)) {
  rest = Buffer.concat([rest, chunk.subarray(0, size)]);
  for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
    say(answer(rest.subarray(0, end).toString()));
    rest = rest.subarray(end + 1);
  }
}
