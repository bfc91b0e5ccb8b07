/** The session page. It is complete without this; with it, two people turn the same page together. */

import { showArrivals } from "./arrivals.js";
import { boot, find, need, showWhatNeedsScript } from "./boot.js";
import { Connection } from "./connection.js";
import { Conversation, type Effects, type Notice, type Shown } from "./conversation.js";
import { mindTheCurtain } from "./curtain.js";
import { Keeper, forgetWordsOf } from "./keeper.js";
import { forgetKept, keep, readKept, type Kept } from "./kept.js";
import { NotesPanel, button, copying, element } from "./notes_panel.js";
import { PageArea } from "./page.js";
import { drawPeople, drawState, nameOf } from "./people.js";
import { ScreenOn, keepAboveKeyboard } from "./phone.js";
import { Places } from "./places.js";
import { Pointers } from "./pointers.js";
import { noteEveryLeaving } from "./recent.js";
import { Steady } from "./steady.js";
import { giveUpTicket, holdsTicket, isRefused, tellServer } from "./ticket.js";
import { Together } from "./together.js";
import { TogetherPanel } from "./together_panel.js";
import { Trail } from "./trail.js";
import type { Command, Here, View } from "./wire.js";
import { refusalKey, sayFrom, type Key } from "./words.js";
import { SEND_EVERY, type Refused } from "./writing.js";

interface Boot {
  readonly ticket: string;
  readonly live: string;
  readonly view: View;
  /** The words of the notes, as one update in base64. */
  readonly notes: string;
  /** For what this device keeps of words that are not sent; null: nothing can be kept. */
  readonly key: string | null;
  readonly here: readonly Here[];
  /** The titles of the pages. */
  readonly titles: Readonly<Record<string, string>>;
  readonly words: Readonly<Record<string, string>>;
  /** Where to go after leaving. */
  readonly left: string;
}

const TICK_EVERY = 250;
/** Of the height of the window. */
const TOP_AT_MOST = 0.4;
/** What *Back* closes before it leads anywhere. */
const OPEN_PANEL = "details[data-copage][open]";
const ASK_ABOUT_TICKET_EVERY = 3_000;
/** Another window of this device may have gone, and left words behind. */
const LOOK_FOR_LEFT_EVERY = 5_000;

class SessionPage {
  private readonly say = sayFrom(this.boot.words);
  private readonly kept = readKept(this.boot.ticket);
  private readonly conversation = new Conversation(newWindow(), this.boot.view, this.boot.notes, drawId);
  private readonly pages = new PageArea(
    need("page"),
    (page) => this.addressOf(page),
    () => this.tell("page.not_loaded"),
  );
  private readonly trail = Trail.from(this.kept.places, history.state?.at, this.pages.shown);
  private readonly together = new Together(this.boot.view.page, this.kept.own, this.kept.asks ?? false);
  private readonly panel = new TogetherPanel(this.together, this.boot.titles, this.say, {
    open: (page) => {
      if (!this.together.along) this.goAlong();
      this.turn(page);
    },
    goAlong: () => this.goAlong(),
    goAlone: () => this.goAlone(),
    askAlways: (always) => this.askAlways(always),
    submit: (command) => this.submit(command),
    said: (words) => this.said(words),
  });
  private readonly pointers = new Pointers(this.conversation, this.together, this.pages, this.say, {
    send: (message) => this.follow(this.conversation.show(message, performance.now())),
    goes: () => this.places.letGo(),
    said: (words) => this.said(words),
  });
  private readonly places = new Places(this.conversation, this.together, this.pages, this.say, {
    show: (place) => this.follow(this.conversation.show(["place", place], performance.now())),
    goAlone: () => this.goAlone(),
  });
  private readonly connection = new Connection(
    this.boot.live,
    {
      hello: () => this.conversation.hello(),
      received: (message) => this.follow(this.conversation.received(message, performance.now())),
      lost: () => this.follow(this.conversation.disconnected(performance.now())),
      turnedAway: () => void this.askAboutTicket(),
      pollingOnly: () => this.keep({ pollingOnly: true }),
    },
    this.kept.pollingOnly ?? false,
  );
  private readonly notes = new NotesPanel(this.conversation, this.say, {
    wrote: () => this.collectSoon(),
    removeForGood: (passage) => this.submit({ type: "remove_for_good", passage }),
    // Words that are put in again are collected first, and so are on the device before these leave it.
    dealtWith: (id) => queueMicrotask(() => void this.keeper?.forget([id]).catch(() => this.keepsNothing())),
  });
  private readonly steady = new Steady();
  private readonly screenOn = new ScreenOn(() => !this.covered && this.conversation.state === "live");
  private keeper: Keeper | null = null;
  private collecting = false;
  private lostNumber = 0;
  private lostAtEnd: readonly Refused[] = [];
  private covered = false;
  private going = false;
  private askedAboutTicketAt = -Infinity;
  private drawn: readonly unknown[] = [];
  /** The page that is on its way to the screen. */
  private opening: string | null = null;
  /** Where to put the page that I am about to get: only what I did myself moves my focus. */
  private myMove: { readonly page: string; readonly y: number | null; answered: boolean } | null = null;
  private waitsForServer = false;

  constructor(private readonly boot: Boot) {
    this.conversation.here = boot.here;
  }

  start(): void {
    history.scrollRestoration = "manual";
    this.noteHistory();
    showWhatNeedsScript();
    noteEveryLeaving();
    mindTheCurtain(() => {
      this.restore();
      this.pages.focus();
    });
    this.restore();
    keepRoomFor(need("top"));
    keepAboveKeyboard();
    this.listen();
    void this.keepOnDevice();
    this.isHere();
    this.connection.start();
    showArrivals(this.boot.ticket, () => !this.covered && this.conversation.state === "live", this.say);
    this.draw();
    setInterval(() => {
      this.connection.tick();
      this.screenOn.tick();
      this.follow(this.conversation.tick(performance.now()));
      if (!this.covered) {
        this.notes.tick(performance.now());
        this.places.tick(performance.now());
        this.pointers.tick();
        if (this.steady.waits) this.drawAgain();
      }
    }, TICK_EVERY);
  }

  // --- what the person does ---

  private listen(): void {
    // A box that opens below the edge of the window would seem to do nothing.
    document.addEventListener("toggle", ({ target }) => (target as Element).scrollIntoView({ block: "nearest" }), true);
    document.addEventListener("submit", (event) => this.submitted(event));
    document.addEventListener("click", (event) => this.clicked(event));
    find("back")?.addEventListener("click", () => this.back());
    find("to-notes")?.addEventListener("click", () => this.toNotes());
    find("end-cancel")?.addEventListener("click", () => this.doNotEnd());
    window.addEventListener("popstate", (event) => this.wentInHistory(event.state as { at?: unknown } | null));
    window.addEventListener("online", () => this.connection.wake());
    window.addEventListener("offline", () => this.connection.drop());
    document.addEventListener("visibilitychange", () => {
      this.isHere();
      if (!document.hidden) this.connection.wake();
    });
    window.addEventListener("pagehide", ({ persisted }) => this.goesOut(persisted));
    window.addEventListener("beforeunload", (event) => this.mayLose() && event.preventDefault());
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.cameBack());
  }

  private submitted(event: SubmitEvent): void {
    const form = event.target as HTMLFormElement;
    const kind = form.dataset["copage"];
    if (kind !== "turn" && kind !== "suggest" && kind !== "leave" && kind !== "remove" && kind !== "end") return;
    event.preventDefault();
    if (kind === "turn") this.turn(chosen("page", form, event.submitter));
    else if (kind === "suggest") this.suggest(chosen("page", form, event.submitter), form.closest("details"));
    else if (kind === "leave") this.leave();
    else if (kind === "remove") this.remove(chosen("person", form, event.submitter), form.closest("details"));
    else this.end();
  }

  private clicked(event: MouseEvent): void {
    const link = (event.target as Element).closest<HTMLElement>("a[data-page]");
    if (!link?.dataset["page"] || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.turn(link.dataset["page"]);
  }

  /** Open a page: for everybody, or here alone when this window is on its own. */
  private turn(page: string): void {
    this.notePlace();
    this.together.moved();
    if (page === this.conversation.view?.page || !this.together.along) {
      if (page !== this.pages.shown) this.enter(page);
      this.goHere(page, null);
      return;
    }
    this.hush();
    this.myMove = { page, y: null, answered: false };
    if (this.conversation.state !== "live") this.tell("page.waiting");
    this.pages.prepare(page);
    this.submit({ type: "turn_page", page });
  }

  /** Go to a page that is mine to go to: where I was, or where the others are. It moves only this window ([PG4]). */
  private goHere(page: string, y: number | null): void {
    this.hush();
    this.together.moved();
    this.together.goTo(page);
    if (page === this.pages.shown) {
      this.pages.focus();
      this.scrollTo(y);
    } else this.myMove = { page, y, answered: true };
    this.isHere();
    this.draw();
  }

  private back(): void {
    const { page, y } = this.trail.current;
    if (page !== this.pages.shown) this.goHere(page, y);
    else history.back();
  }

  private wentInHistory(state: { at?: unknown } | null): void {
    if (this.covered) return;
    const panel = document.querySelector<HTMLElement>(OPEN_PANEL);
    if (panel) {
      closeBox(panel);
      history.pushState({ at: this.trail.at }, "");
      return;
    }
    this.notePlace();
    if (this.trail.current.page !== this.pages.shown && state?.at === this.trail.at - 1) {
      // Another person took me on from my place, which made no entry: back is to there.
      history.pushState({ at: this.trail.at }, "");
      this.goHere(this.trail.current.page, this.trail.current.y);
      return;
    }
    const place = this.trail.goTo(state?.at);
    if (place) this.goHere(place.page, place.y);
    else this.noteHistory(); // A jump within the page made an entry of its own.
  }

  /** An entry of the browser's history, for a page that I opened myself. */
  private enter(page: string): void {
    this.trail.went(page);
    history.pushState({ at: this.trail.at }, "");
    this.keep({ places: this.trail.places });
  }

  // --- together, or on my own ---

  private goAlone(): void {
    this.together.goAlone();
    this.isHere();
    if (this.conversation.view?.reading.length) this.submit({ type: "read_apart" });
    this.draw();
  }

  /** To the page that is open for all, from wherever I am. */
  private goAlong(): void {
    const page = this.conversation.view?.page;
    if (!page) return;
    this.notePlace();
    if (page !== this.pages.shown) this.enter(page);
    this.together.goAlong();
    this.goHere(page, null);
  }

  private askAlways(always: boolean): void {
    this.together.asks = always;
    this.keep({ asks: always });
  }

  /** Tell how this window is here, if that has changed, and keep it over a refresh. */
  private isHere(): void {
    const { along, page } = this.together;
    this.follow(this.conversation.isHereAs({ along, away: document.hidden }, performance.now()));
    this.keep({ own: along ? undefined : (page ?? undefined) });
  }

  private notePlace(): void {
    if (this.trail.current.page === this.pages.shown) this.trail.current.y = window.scrollY;
  }

  private toNotes(): void {
    this.notePlace();
    document.getElementById("notes")?.scrollIntoView();
    document.getElementById("notes-title")?.focus({ preventScroll: true });
  }

  private leave(): void {
    giveUpTicket(this.boot.ticket);
    forgetKept();
    this.forgetWords();
    this.cover("leave.done");
    this.connection.noMore();
    this.submit({ type: "leave" });
    void tellServer(this.boot.ticket, () => this.cover("leave.not_told")).then(() => this.goAway(this.boot.left));
  }

  /** *This is not Sam*: take a person out who was let in by mistake. */
  private remove(participant: string, box: Element | null): void {
    closeBox(box);
    this.tellOf("person.taking_out", participant);
    this.submit({ type: "remove_participant", participant });
  }

  private end(): void {
    find("end-box")?.removeAttribute("open");
    this.tell("end.sending");
    this.submit({ type: "end_session" });
  }

  private doNotEnd(): void {
    closeBox(find("end-box"));
  }

  private suggest(page: string, box: Element | null): void {
    closeBox(box);
    this.submit({ type: "suggest", page });
  }

  private submit(command: Command): void {
    this.follow(this.conversation.submit(command, performance.now()));
  }

  // --- what comes of it ---

  private follow({ emits, notices, keep, forget, refused, shown }: Effects): void {
    this.connection.send(emits);
    for (const each of shown) this.heard(each);
    if (keep.length) void this.keepWords(keep);
    if (forget.length) void this.keeper?.forget(forget).catch(() => this.keepsNothing());
    for (const notice of notices) this.note(notice);
    if (refused.length) this.giveBack(refused);
    // A deletion that was refused gives no words back: what it had deleted is there again.
    const denied = notices.find((each) => each.kind === "refused" && each.command.type === "write");
    if (denied?.kind === "refused" && !refused.length && denied.code !== "already_back") this.tell(refusalKey(denied.code));
    this.draw();
  }

  private note(notice: Notice): void {
    if (notice.kind === "turned") this.turned(notice.page, notice.mine);
    else if (notice.kind === "joined") this.tellOf("person.came_in", notice.person);
    else if (notice.kind === "dropped") this.tell("move.dropped");
    else if (notice.kind === "written") notice.mine || this.notes.heard(notice.box, notice.by, performance.now());
    else if (notice.kind === "put_aside") this.notes.heardDeleted(notice.box, notice.by, performance.now());
    else if (notice.kind === "refused" && notice.command.type !== "write") this.tell(refusalKey(notice.code));
    else if (notice.kind === "done" && notice.command.type === "remove_participant") {
      this.tellOf("person.taken_out", notice.command.participant);
    }
    else if (notice.kind === "done" && notice.command.type === "suggest") {
      this.tell("suggest.done", { title: this.boot.titles[notice.command.page] ?? "" });
    }
    if (!("command" in notice) || (notice.kind === "done" && notice.outcome === "event")) return;
    // No page will come of it, so none that another person opens later may be taken for it.
    if (notice.command.type === "turn_page" && notice.command.page === this.myMove?.page) this.myMove = null;
  }

  private turned(page: string, mine: boolean): void {
    if (this.myMove && mine && page === this.myMove.page) this.myMove.answered = true;
    else if (this.myMove?.answered) this.myMove = null; // Another page came before mine was on the screen.
    if (mine && page !== this.trail.current.page) this.enter(page);
  }

  private draw(): void {
    const { view, state, here } = this.conversation;
    if (this.conversation.over) this.finish();
    if (this.waitsForServer && state === "live") this.waitForServer(false);
    if (this.covered || !view) return;
    this.notes.draw(performance.now());
    const live = state === "live";
    this.together.opened(view.page, view.turned_by, view.turned_by === view.you, performance.now());
    const { along, page, card } = this.together;
    const now = [view, state, here, this.trail.at, along, page, card, this.pages.shown];
    if (now.every((each, i) => each === this.drawn[i])) return;
    if (live && this.drawn[1] !== "live") this.pages.hurry();
    this.drawn = now;
    drawState(need("state"), state, this.say);
    drawPeople(need("people"), view, live, here, this.say, `${this.address}/remove`, this.steady);
    const back = find("back") as HTMLButtonElement | null;
    if (back) back.disabled = !this.trail.canGoBack(page);
    markCurrent(page);
    this.panel.draw(view);
    this.pointers.changed();
    this.places.draw(here);
    if (page !== null) this.showPage(page);
  }

  /** What was held back may be shown by now. */
  private drawAgain(): void {
    this.steady.waits = false;
    this.drawn = [];
    this.draw();
  }

  private showPage(page: string): void {
    if (page === this.opening || (this.opening === null && page === this.pages.shown)) return;
    this.opening = page;
    this.notePlace();
    this.places.clear();
    void this.pages.open(page).then((shown) => shown && this.pageIsThere(shown.page, shown.title));
  }

  private pageIsThere(page: string, title: string): void {
    this.opening = null;
    const { view } = this.conversation;
    const mine = this.myMove?.page === page ? this.myMove : null;
    if (mine) {
      this.myMove = null;
      this.hush();
      this.pages.focus();
    } else if (view && view.turned_by !== view.you && page === view.page) {
      this.tell("page.turned_by", { name: nameOf(view, view.turned_by), title });
    }
    this.scrollTo(mine?.y ?? null); // Last, because what is said over the page moves the page.
    this.draw();
  }

  private scrollTo(y: number | null): void {
    this.places.letGo();
    this.pages.scrollTo(y);
  }

  private heard(shown: Shown): void {
    if (shown[0] === "placed") this.places.heard(shown[1]);
    else this.pointers.heard(shown);
  }

  private said(words: string): void {
    const said = find("said");
    if (said) said.textContent = words;
  }

  /** Say it on the page and to screen readers. */
  private tell(key: Key, values?: Readonly<Record<string, string>>): void {
    const words = this.say(key, values);
    const notice = find("notice");
    if (notice) {
      notice.textContent = words;
      notice.dataset["about"] = key;
      notice.hidden = false;
    }
    this.said(words);
  }

  private tellOf(key: Key, participant: string): void {
    const { view } = this.conversation;
    if (view) this.tell(key, { name: nameOf(view, participant) });
  }

  private hush(): void {
    const [notice, said] = [find("notice"), find("said")];
    if (notice) notice.hidden = true;
    if (said) said.textContent = "";
  }

  // --- the notes ---

  /** Letter by letter on the device, in case the browser is killed with the next one; sent a moment later, together. */
  private collectSoon(): void {
    if (this.collecting) return;
    this.collecting = true;
    queueMicrotask(() => {
      this.collecting = false;
      if (!this.covered) this.follow(this.conversation.collect(performance.now()));
    });
  }

  /** Nothing is sent before it is on the device, where it can be. */
  private async keepWords(words: Effects["keep"]): Promise<void> {
    if (this.keeper) await this.keeper.keep(words).catch(() => this.keepsNothing());
    this.follow(this.conversation.kept(words.map(({ id }) => id), performance.now()));
    setTimeout(() => this.follow(this.conversation.tick(performance.now())), SEND_EVERY);
  }

  private forgetWords(): void {
    void (this.keeper ? this.keeper.forgetAll() : forgetWordsOf(this.boot.ticket));
  }

  private keepsNothing(): void {
    this.keeper = null;
    this.notes.keeps = false;
  }

  private async keepOnDevice(): Promise<void> {
    const { ticket, key } = this.boot;
    this.keeper = await Keeper.open(ticket, this.conversation.window, key);
    this.notes.keeps = this.keeper !== null;
    while (this.keeper && !this.covered) {
      const { words, refused } = await this.keeper.takeOver().catch(() => ({ words: [], refused: [] }));
      if (words.length) this.follow(this.conversation.takeOver(words, performance.now()));
      if (refused.length) this.giveBack(refused);
      await new Promise((resolve) => setTimeout(resolve, LOOK_FOR_LEFT_EVERY));
    }
  }

  /** These did not reach the notes: the person has them, and decides. */
  private giveBack(refused: readonly Refused[]): void {
    if (this.covered) return; // I am leaving: nothing is to stay.
    const lost = refused.map((each) => ({ ...each, id: `lost.${this.conversation.window}.${(this.lostNumber += 1)}` }));
    if (this.conversation.over) this.lostAtEnd = [...this.lostAtEnd, ...lost];
    else {
      void this.keeper?.keepRefused(lost).catch(() => this.keepsNothing());
      this.notes.show(lost, performance.now());
      this.tell("notes.lost"); // They stand above the boxes, which may be out of sight.
    }
  }

  /** Whether closing the page would lose words: they are on no disk yet, neither here nor there. */
  private mayLose(): boolean {
    return !this.covered && (this.notes.composing || (!this.keeper && this.conversation.writing.unsent.length > 0));
  }

  // --- the end ---

  private finish(): void {
    const { state } = this.conversation;
    if (state === "other_version") {
      this.connection.stop();
      const reload = find("reload");
      if (reload) reload.hidden = false;
      return;
    }
    if (this.covered && state !== "left") return; // I am leaving already.
    this.connection.stop();
    forgetKept();
    this.forgetWords();
    this.cover(state === "left" ? "leave.done" : state === "removed" ? "connection.removed" : "connection.ended");
    const goOn = (): void => this.goAway(state === "left" ? this.boot.left : this.address);
    if (!this.lostAtEnd.length) goOn();
    else if (!need("covered-lost").hasChildNodes()) this.showLostAtEnd(goOn);
  }

  /** The last chance to copy what did not arrive: the notes are closed, and the device keeps nothing. */
  private showLostAtEnd(goOn: () => void): void {
    const place = need("covered-lost");
    place.append(element("p", this.say("notes.lost_at_end")));
    const words = element("blockquote", this.lostAtEnd.map(({ text }) => text).join("\n\n"));
    words.tabIndex = 0;
    const row = element("div", "");
    row.className = "row";
    const copy = copying(this.say("notes.copy"), this.say("notes.copied"), words.textContent ?? "");
    row.append(copy, button(this.say("notes.delete_and_go_on"), goOn));
    place.append(words, row);
  }

  /** Once: asking again would begin the way there anew. */
  private goAway(address: string): void {
    if (this.going) return;
    this.going = true;
    location.replace(address);
  }

  /** A refused connection looks like a broken one. The page's own address says which it was. */
  private async askAboutTicket(): Promise<void> {
    const now = performance.now();
    if (this.covered || now - this.askedAboutTicketAt < ASK_ABOUT_TICKET_EVERY) return;
    this.askedAboutTicketAt = now;
    if (!(await isRefused(this.addressOf(this.pages.shown))) || this.covered) return;
    this.connection.stop();
    forgetKept();
    this.cover("page.waiting");
    this.goAway(this.address);
  }

  /** Nothing of the session stays in the page. */
  private cover(key: Key): void {
    const words = find("covered-words");
    if (words) words.textContent = this.say(key);
    if (this.covered) return;
    this.covered = true;
    this.pages.clear();
    document.querySelector(".curtain")?.remove();
    find("all")?.remove();
    const covered = need("covered");
    covered.hidden = false;
    covered.focus();
  }

  /** The page goes out of the window, and may be brought back from the browser's memory. */
  private goesOut(persisted: boolean): void {
    this.connection.stop();
    this.notePlace();
    const panel = document.querySelector<HTMLElement>(OPEN_PANEL);
    this.keep({ places: this.trail.places, stood: { page: this.pages.shown, y: window.scrollY }, panel: panel?.dataset["copage"] });
    // Nothing is shown when it comes back before the server has said what may be.
    if (persisted && !this.covered) this.waitForServer(true);
  }

  private waitForServer(waits: boolean): void {
    this.waitsForServer = waits;
    need("all").hidden = waits;
    need("covered").hidden = !waits;
    need("covered-words").textContent = waits ? this.say("page.waiting") : "";
  }

  /** The browser brought the page back from its memory, as it was. */
  private cameBack(): void {
    const holds = holdsTicket(this.boot.ticket);
    if (holds && !this.covered) {
      this.connection.start();
      return;
    }
    this.cover(holds ? "page.waiting" : "leave.done");
    this.going = false; // The way that was begun before ended in the browser's memory.
    this.goAway(holds ? this.address : this.boot.left);
  }

  // --- what stays over a refresh ---

  /** The page, the place on it, and the box that was open, as they were before this window was loaded again. */
  private restore(): void {
    const { stood, panel } = this.kept;
    const { page } = this.together;
    if (document.documentElement.dataset["curtain"] !== undefined) return; // Once it is open.
    this.keep({ stood: undefined, panel: undefined });
    if (panel) find(panel)?.setAttribute("open", "");
    if (!stood || stood.page !== page) return;
    if (page === this.pages.shown) this.scrollTo(stood.y);
    else this.myMove = { page, y: stood.y, answered: true };
  }

  private noteHistory(): void {
    history.replaceState({ at: this.trail.at }, "");
    this.keep({ places: this.trail.places });
  }

  private addressOf(page: string): string {
    return `${this.address}/page/${page}`;
  }

  /** The page's own address. When it is over, it says why: that I was taken out, or what we looked at. */
  private get address(): string {
    return `/s/${this.boot.ticket}`;
  }

  private keep(more: Kept): void {
    if (!this.covered) keep(this.boot.ticket, Object.assign(this.kept, more));
  }
}

/** For a client id of the notes. */
function drawId(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

/** 128 random bits, as letters that the protocol takes. */
function newWindow(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

/** What a form would send under this name. */
function chosen(name: string, form: HTMLFormElement, button: HTMLElement | null): string {
  if (button instanceof HTMLButtonElement && button.name === name) return button.value;
  return String(new FormData(form).get(name));
}

/** The button that was pressed is gone with its box; the keyboard goes on from where the box was opened. */
function closeBox(box: Element | null): void {
  box?.removeAttribute("open");
  box?.querySelector("summary")?.focus();
}

/** What is said stands below the moves, in however many lines they are; `main.css` reads the height. */
function keepRoomFor(top: HTMLElement): void {
  const measure = () => {
    document.documentElement.style.setProperty("--height-of-top", `${top.offsetHeight}px`);
    // With letters so large, or a window so low, that it would hide what it stands over, it scrolls away.
    top.classList.toggle("scrolls-away", top.offsetHeight > window.innerHeight * TOP_AT_MOST);
  };
  new ResizeObserver(measure).observe(top);
  window.addEventListener("resize", measure);
}

function markCurrent(page: string | null): void {
  for (const control of document.querySelectorAll<HTMLElement>("a[data-page], button[data-page]")) {
    if (control.dataset["page"] === page) control.setAttribute("aria-current", "page");
    else control.removeAttribute("aria-current");
  }
}

new SessionPage(boot<Boot>()).start();
