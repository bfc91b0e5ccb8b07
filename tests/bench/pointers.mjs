/**
 * People in many rooms, two of each pointing all the time, against one of three servers that speak Socket.IO. What to do
 * comes as JSON on stdin: `{kind, port, rooms: [[ticket, …]], rate, seconds, warm, commands}`. `rate`: pointers a second of
 * each who points; `commands`: how many commands a second are asked besides, of all rooms together (Copage only).
 * Prints `{"begin"}` and `{"end"}` around what is measured, then what came of it.
 */

import WebSocket from "ws";

let input = "";
for await (const piece of process.stdin) input += piece;
const { kind, port, rooms, rate, seconds, warm, commands } = JSON.parse(input);
const POINTING = 2;
const PAGES = ["hope", "home"];

let measuring = false;
const result = { sent: 0, delivered: 0, waits: [], ages: [], answers: [] };
const sentAt = new Map();

class Person {
  constructor(room, nth) {
    this.room = room;
    this.nth = nth;
    this.number = 0;
    this.commands = 0;
    this.newest = new Map();
    this.asked = new Map();
    this.window = `window-of-${room}-${nth}-0123456789`;
  }

  async open(ticket) {
    const path = kind === "copage" ? `/s/${ticket.id}/live/` : "/socket.io/";
    const headers = ticket ? { cookie: Object.entries(ticket.cookies).map(([name, value]) => `${name}=${value}`).join("; ") } : {};
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}?EIO=4&transport=websocket`, { headers, origin: `http://127.0.0.1:${port}` });
    await new Promise((ready, failed) => {
      this.socket.on("error", failed);
      this.socket.on("close", () => failed(new Error("closed")));
      this.socket.on("message", (data) => this.received(data.toString(), ready));
    });
  }

  received(packet, ready) {
    if (packet.startsWith('42["pointed"')) this.pointed(JSON.parse(packet.slice(2))[1]);
    else if (packet[0] === "0") {
      const hello = kind === "copage" ? { version: 4, window: this.window, position: null, mine: { along: true, away: false } } : { room: `room-${this.room}` };
      this.socket.send(`40${JSON.stringify(hello)}`);
    } else if (packet === "2") this.socket.send("3");
    else if (packet.startsWith("40") && kind !== "copage") ready();
    else if (packet.startsWith('42["welcome"')) {
      this.page = JSON.parse(packet.slice(2))[1].whole.page;
      ready();
    } else if (packet.startsWith('42["events"')) {
      for (const { window, number, event } of JSON.parse(packet.slice(2))[1].events) {
        if (event.kind === "page_turned") this.page = event.page;
        if (window === this.window) this.answered(number);
      }
    } else if (packet.startsWith('42["answer"')) this.answered(JSON.parse(packet.slice(2))[1].number);
  }

  pointed({ number }) {
    if (!measuring) return;
    result.delivered += 1;
    const at = sentAt.get(number);
    if (at !== undefined) result.waits.push(performance.now() - at);
    const who = number % 8;
    if (number > (this.newest.get(who) ?? 0)) this.newest.set(who, number);
  }

  answered(number) {
    const at = this.asked.get(number);
    if (at !== undefined && measuring) result.answers.push(performance.now() - at);
    this.asked.delete(number);
  }

  /** Numbers grow, and their last part says who it was. */
  point() {
    this.number += 1;
    const number = this.number * 8 + this.nth;
    const now = performance.now();
    sentAt.set(number, now);
    if (measuring) result.sent += 1;
    const at = ["title", 2914775003, this.number % 20, 0.1234, (this.number % 100) / 100];
    this.socket.send(`42${JSON.stringify(["point", { page: this.page ?? "home", at, tapped: false, number }])}`);
    this.last = { number, now };
  }

  turn() {
    this.commands += 1;
    this.asked.set(this.commands, performance.now());
    const page = this.page === PAGES[0] ? PAGES[1] : PAGES[0];
    this.socket.send(`42${JSON.stringify(["command", { number: this.commands, command: { type: "turn_page", page } }])}`);
  }
}

const people = [];
for (const [room, tickets] of rooms.entries()) {
  for (const [nth, ticket] of tickets.entries()) {
    const person = new Person(room, nth);
    await person.open(ticket);
    people.push(person);
  }
}
const pointing = people.filter(({ nth }) => nth < POINTING);
const looking = people.filter(({ nth }) => nth >= POINTING);

/** How old the newest position that is known is, now and then, for who looks on. */
function lookAtAges() {
  const now = performance.now();
  for (const person of looking) {
    for (const other of pointing.filter(({ room }) => room === person.room)) {
      const at = sentAt.get(person.newest.get(other.nth) ?? -1);
      if (at !== undefined && other.last) result.ages.push(Math.max(0, now - at - (now - other.last.now)));
    }
  }
}

async function run(duration) {
  const begin = performance.now();
  const whole = pointing.length * rate * duration;
  const asks = commands * duration;
  let [done, asked, looked] = [0, 0, 0];
  while (done < whole) {
    const passed = (performance.now() - begin) / 1000;
    for (const due = Math.min(whole, passed * pointing.length * rate); done < due; done += 1) pointing[done % pointing.length].point();
    for (const due = Math.min(asks, passed * commands); asked < due; asked += 1) looking[asked % looking.length].turn();
    if (measuring && passed > looked) {
      lookAtAges();
      looked += 0.1;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

await run(warm);
measuring = true;
console.log(JSON.stringify({ begin: true }));
const began = performance.now();
await run(seconds);
const took = (performance.now() - began) / 1000;
console.log(JSON.stringify({ end: true }));
await new Promise((resolve) => setTimeout(resolve, 300));
const at = (values, share) => (values.length ? values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] : 0);
const { sent, delivered, waits, ages, answers } = result;
console.log(JSON.stringify({ sent, delivered, rate: sent / took, p50: at(waits, 0.5), p99: at(waits, 0.99), age: at(ages, 0.99), answered: answers.length, answer: at(answers, 0.99) }));
process.exit(0);
