/**
 * Two people in each of many rooms, who write all the time, against one of three servers. What to do comes as JSON on
 * stdin: `{kind, port, rooms: [[ticket, ticket]], rate, seconds, warm, size}`. `rate`: edits a second of all together;
 * `size`: letters that stand in each box before. Prints `{"begin"}` and `{"end"}` around what is measured, then what came of it.
 *
 * An edit is acknowledged by what each server has for that: Copage by its own event (it is on disk then), hocuspocus by its
 * sync status, y-websocket by nothing of its own: there it is the echo of the edit.
 */

import WebSocket from "ws";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";

const PIECE = 25_000;
let input = "";
for await (const piece of process.stdin) input += piece;
const task = JSON.parse(input);
const { kind, port, rooms, rate, seconds, warm, size } = task;
const BOX = "looked";

let measuring = false;
const result = { sent: 0, acknowledged: 0, delivered: 0, refused: 0, waits: [] };

class Writer {
  constructor(room, nth) {
    this.room = room;
    this.doc = new Y.Doc();
    this.text = this.doc.getText(BOX);
    this.pending = [];
    this.number = 0;
    this.window = `window-of-${room}-${nth}-0123456789`.slice(0, 60);
    this.doc.on("update", (update, origin) => origin === "local" && this.send(update));
  }

  /** One letter, in the middle of what is there. */
  edit() {
    this.counted = measuring;
    this.doc.transact(() => this.text.insert(Math.floor(this.text.length / 2), "x"), "local");
  }

  put(words) {
    this.counted = false;
    this.doc.transact(() => this.text.insert(0, words), "local");
  }

  note(update) {
    this.pending.push({ at: performance.now(), counted: this.counted, update });
    if (this.counted) result.sent += 1;
  }

  acknowledged() {
    const { at, counted } = this.pending.shift() ?? {};
    if (!counted) return;
    result.acknowledged += 1;
    result.waits.push(performance.now() - at);
  }

  heard(update) {
    if (measuring) result.delivered += 1;
    Y.applyUpdate(this.doc, update, "remote");
  }
}

class AtCopage extends Writer {
  async open(ticket) {
    const { id, cookies } = ticket;
    const cookie = Object.entries(cookies).map(([name, value]) => `${name}=${value}`).join("; ");
    const origin = `http://127.0.0.1:${port}`;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/s/${id}/live/?EIO=4&transport=websocket`, { headers: { cookie }, origin });
    await new Promise((ready, failed) => {
      this.socket.on("error", failed);
      this.socket.on("close", () => failed(new Error("closed")));
      this.socket.on("message", (data) => this.received(data.toString(), ready));
    });
  }

  received(packet, ready) {
    if (packet[0] === "0") this.socket.send(`40${JSON.stringify({ version: 4, window: this.window, position: null, mine: { along: true, away: false } })}`);
    else if (packet === "2") this.socket.send("3");
    else if (packet.startsWith('42["welcome"')) ready();
    else if (packet.startsWith('42["events"')) {
      for (const { event, window } of JSON.parse(packet.slice(2))[1].events) {
        if (event.kind !== "notes_written") continue;
        if (window === this.window) this.acknowledged();
        else this.heard(Buffer.from(event.update, "base64"));
      }
    } else if (packet.startsWith('42["answer"')) result.refused += 1;
  }

  send(update) {
    this.note(update);
    this.number += 1;
    const command = { type: "write", box: BOX, update: Buffer.from(update).toString("base64") };
    this.socket.send(`42["command",{"number":${this.number},"command":${JSON.stringify(command)}}]`);
  }
}

class AtPeer extends Writer {
  async open() {
    const hocuspocus = kind === "hocuspocus";
    this.name = `room-${this.room}`;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/${hocuspocus ? "" : this.name}`);
    await new Promise((ready, failed) => {
      this.socket.on("error", failed);
      this.socket.on("open", () => {
        if (hocuspocus) this.tell((to) => { encoding.writeVarUint(to, 2); encoding.writeVarUint(to, 0); encoding.writeVarString(to, "token"); });
        this.sync(0, Y.encodeStateVector(this.doc));
      });
      this.socket.on("message", (data) => this.received(new Uint8Array(data), ready));
    });
  }

  tell(write) {
    const to = encoding.createEncoder();
    if (kind === "hocuspocus") encoding.writeVarString(to, this.name);
    write(to);
    this.socket.send(encoding.toUint8Array(to));
  }

  sync(step, bytes) {
    this.tell((to) => { encoding.writeVarUint(to, 0); encoding.writeVarUint(to, step); encoding.writeVarUint8Array(to, bytes); });
  }

  received(data, ready) {
    const from = decoding.createDecoder(data);
    if (kind === "hocuspocus") decoding.readVarString(from);
    const type = decoding.readVarUint(from);
    if (type === 8) this.acknowledged();
    if (type !== 0 && type !== 4) return;
    const step = decoding.readVarUint(from);
    const bytes = decoding.readVarUint8Array(from);
    if (step === 0) this.sync(1, Y.encodeStateAsUpdate(this.doc, bytes));
    else if (step === 1) {
      Y.applyUpdate(this.doc, bytes, "remote");
      ready();
    } else if (kind !== "hocuspocus" && this.pending.length && Buffer.compare(this.pending[0].update, bytes) === 0) this.acknowledged();
    else this.heard(bytes);
  }

  send(update) {
    this.note(update);
    this.sync(2, update);
  }
}

const writers = [];
for (const [nth, tickets] of rooms.entries()) {
  for (const [who, ticket] of tickets.entries()) {
    const writer = kind === "copage" ? new AtCopage(nth, who) : new AtPeer(nth, who);
    await writer.open(ticket);
    writers.push(writer);
  }
}

async function quiet() {
  while (writers.some(({ pending }) => pending.length)) await new Promise((resolve) => setTimeout(resolve, 20));
}

for (const writer of writers.filter((_, nth) => nth % 2 === 0)) {
  for (let left = size; left > 0; left -= PIECE) {
    writer.put("a".repeat(Math.min(left, PIECE)));
    await quiet();
  }
}

async function write(duration) {
  const begin = performance.now();
  const whole = rate * duration;
  for (let done = 0; done < whole; ) {
    const due = Math.min(whole, ((performance.now() - begin) / 1000) * rate);
    for (; done < due; done += 1) writers[done % writers.length].edit();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

await write(warm);
await quiet();
measuring = true;
console.log(JSON.stringify({ begin: true }));
const began = performance.now();
await write(seconds);
const took = (performance.now() - began) / 1000;
await quiet();
console.log(JSON.stringify({ end: true }));
const waits = result.waits.sort((a, b) => a - b);
const at = (share) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))];
const { sent, acknowledged, delivered, refused } = result;
console.log(JSON.stringify({ sent, acknowledged, delivered, refused, rate: sent / took, p50: at(0.5), p99: at(0.99) }));
process.exit(0);
