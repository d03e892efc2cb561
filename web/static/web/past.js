// The time machine: the room as it was at a moment, and played from there on.

import { clock } from "./line.js";

const MAX_GAP_MS = 2000;
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" });

export class Past {
  /** `makeLine(event)` makes the line of an event, if it makes one. */
  constructor({ room, asks, log, place, history, changes, tape, makeLine }) {
    Object.assign(this, { room, asks, log, place, history, changes, tape, makeLine });
    this.bar = document.getElementById("then");
    this.words = document.getElementById("then-words");
    this.button = document.getElementById("play");
    this.speed = document.getElementById("speed");
    this.waiting = [];
    this.seq = history.asOf;
    this.button.addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    this.speed.addEventListener("change", () => this.playing && this.#ask({ type: "resume", speed: Number(this.speed.value) }));
    if (history.inPast) this.tape.show(this.seq, false);
  }

  /** Show the room as it was after the event `seq`; after the last one that is now. */
  async enter(seq) {
    const asked = (this.asked = Symbol("the last one asked"));
    if (seq >= this.tape.head) return this.history.inPast && location.assign(location.pathname);
    this.playsOn ||= this.playing;
    this.history.drop();
    await this.#stop();
    const { page, lines } = await this.history.readAsOf(seq).catch(() => ({}));
    if (asked !== this.asked) return;
    const { playsOn } = this;
    this.playsOn = false;
    if (!page) return this.#fail();
    this.#show(seq, page, lines);
    if (playsOn) this.play();
  }

  /** Play on from here. */
  async play() {
    this.#mark(true);
    const speed = Number(this.speed.value);
    await this.#ask({ type: "replay", from: this.seq + 1, speed, max_gap_ms: MAX_GAP_MS });
  }

  async pause() {
    await this.#stop();
  }

  /** The connection is gone, and the replay with it: it goes on when there is another one. */
  lost() {
    this.wasCut ||= this.playing;
    this.#flush();
    this.#mark(false);
  }

  /** There is a connection again. */
  resume() {
    if (this.wasCut) this.play();
    this.wasCut = false;
  }

  /** An event of the replay. They come in bursts; each burst is one change of the page. */
  show(event) {
    if (!this.playing || event.seq <= this.seq) return;
    this.waiting.push(event);
    this.timer ??= setTimeout(() => this.#flush());
  }

  /** The replay has come to its end. */
  over({ state }) {
    this.#flush();
    if (state === "ended") this.#mark(false);
  }

  #show(seq, page, lines) {
    this.seq = this.history.asOf = seq;
    this.log.attached = false;
    this.history.later.hidden = true;
    this.log.replace(lines);
    this.history.showEarlier(!page.found_oldest);
    this.place.toEnd();
    document.getElementById("title").textContent = page.title || this.room;
    document.getElementById("empty").hidden = true;
    globalThis.history.replaceState(null, "", `?as_of=${seq}`);
    this.#tell(lines.at(-1)?.dataset.at);
  }

  /** The moment could not be read: the page stays where it is, and so does the mark on the tape. */
  #fail() {
    this.tape.show(this.seq ?? this.tape.head, !this.history.inPast);
  }

  #flush() {
    clearTimeout(this.timer);
    this.timer = null;
    const events = this.waiting.splice(0);
    if (!events.length) return;
    this.place.keep(() => {
      for (const event of events) this.#apply(event);
    });
    this.seq = this.history.asOf = events.at(-1).seq;
    this.#tell(events.at(-1).occurred_at);
  }

  #apply(event) {
    const name = (who) => this.history.name(who);
    if (this.changes.take(event, name)) return;
    if (event.event === "room.changed" && event.data.title) document.getElementById("title").textContent = event.data.title;
    const line = this.makeLine(event);
    if (!line) return;
    this.log.place(line);
    this.changes.complete([line], name, event.seq);
    if (this.log.trim()) this.history.showEarlier(true);
  }

  async #stop() {
    this.wasCut = false;
    if (!this.playing) return;
    this.#flush();
    this.#mark(false);
    await this.#ask({ type: "stop" });
  }

  async #ask(frame) {
    try {
      await this.asks.ask({ ...frame, room: this.room });
    } catch {
      this.#mark(false);
    }
  }

  /** Whether it plays: moments that pass are not read out. */
  #mark(playing) {
    this.playing = playing;
    this.button.textContent = playing ? "Pause" : "Play";
    this.words.setAttribute("aria-live", playing ? "off" : "polite");
  }

  /** Say which moment it is. */
  #tell(at) {
    document.body.classList.add("past");
    this.bar.hidden = false;
    const when = at ? ` on ${DAY.format(new Date(at))}, ${clock(at)}` : "";
    document.getElementById("then-at").textContent = when;
    document.getElementById("then-seq").textContent = `line ${this.seq}`;
    this.tape.show(this.seq, false);
  }
}
