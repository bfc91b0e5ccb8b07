/**
 * The product's client modules behind a pipe: one line of JSON in, one line out, with as many clients as a world needs.
 * Time comes with each call. A line that holds an array is a batch, answered by an array.
 */

import { readSync, writeSync } from "node:fs";

import { Conversation, type Effects } from "../../client_templates/src/conversation.js";
import type { Command, ServerMessage, View } from "../../client_templates/src/wire.js";

interface Call {
  readonly client: string;
  readonly call: string;
  readonly args?: readonly unknown[];
  readonly now: number;
}

const clients = new Map<string, Conversation>();
const NOTHING: Effects = { emits: [], notices: [] };

function carryOut({ client, call, args = [], now }: Call): object {
  if (call === "reset") {
    clients.clear();
    return {};
  }
  if (call === "new") clients.set(client, new Conversation(args[0] as string, args[1] as View | null));
  const conversation = clients.get(client);
  if (!conversation) return { error: `no client ${client}` };
  const effects = askOf(conversation, call, args, now);
  if (!effects) return { error: `no call ${call}` };
  const { view, state, pending, here } = conversation;
  return { ...effects, view, state, pending, here };
}

function askOf(conversation: Conversation, call: string, args: readonly unknown[], now: number): object | undefined {
  switch (call) {
    case "new":
    case "dump":
      return NOTHING;
    case "hello":
      return { ...NOTHING, hello: conversation.hello() };
    case "received":
      return conversation.received(args as unknown as ServerMessage, now);
    case "disconnected":
      return conversation.disconnected(now);
    case "submit":
      return conversation.submit(args[0] as Command, now);
    case "tick":
      return conversation.tick(now);
    default:
      return undefined;
  }
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
