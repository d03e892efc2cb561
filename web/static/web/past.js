// The time machine: the room as it was at a moment, and played from there on.

import { clock } from "./line.js";

const MAX_GAP_MS = 2000;
const LATER = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" });

export class Past {
  /** `makeLine(event)` makes the line of an event, if it makes one. */
  constructor({ room, about, asks, log, place, history, changes, tape, makeLine }) {
    Object.assign(this, { room, asks, log, place, history, changes, tape, makeLine });
    this.bar = document.getElementById("then");
    this.button = document.getElementById("play");
    this.speed = document.getElementById("speed");
    this.waiting = [];
    this.seq = about.asOf;
    this.button.addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    this.speed.addEventListener("change", () => this.playing && this.#ask({ type: "resume", speed: Number(this.speed.value) }));
    if (about.asOf) {
      this.history.asOf = about.asOf;
      this.tape.show(about.asOf);
    }
  }

  /** Show the room as it was after the event `seq`. */
  async enter(seq) {
    const played = this.playing;
    await this.#stop();
    const asked = (this.asked = Symbol("the last one asked"));
    const { page, lines } = await this.history.readAsOf(seq).catch(() => ({}));
    if (!page || asked !== this.asked) return;
    this.seq = seq;
    this.log.attached = false;
    this.history.later.hidden = true;
    this.log.replace(lines);
    this.history.showEarlier(!page.found_oldest);
    this.place.toEnd();
    document.getElementById("title").textContent = page.title || this.room;
    document.getElementById("empty").hidden = true;
    globalThis.history.replaceState(null, "", `?as_of=${seq}`);
    this.#tell(lines.at(-1)?.dataset.at);
    if (played) this.play();
  }

  /** Play on from here. */
  async play() {
    this.#show(true);
    const speed = Number(this.speed.value);
    await this.#ask({ type: "replay", from: this.seq + 1, speed, max_gap_ms: MAX_GAP_MS });
  }

  async pause() {
    await this.#stop();
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
    if (state === "ended") this.#show(false);
  }

  #flush() {
    clearTimeout(this.timer);
    this.timer = null;
    const events = this.waiting.splice(0);
    if (!events.length) return;
    this.place.keep(() => {
      for (const event of events) this.#apply(event);
    });
    this.seq = events.at(-1).seq;
    this.history.asOf = this.seq;
    this.#tell(events.at(-1).occurred_at);
  }

  #apply(event) {
    const name = (who) => this.history.name(who);
    if (this.changes.take(event, name)) return;
    const line = this.makeLine(event);
    if (!line) return;
    this.log.place(line);
    this.changes.complete([line], name);
    this.log.trim();
  }

  async #stop() {
    if (!this.playing) return;
    this.#flush();
    this.#show(false);
    await this.#ask({ type: "stop" });
  }

  async #ask(frame) {
    try {
      await this.asks.ask({ ...frame, room: this.room });
    } catch {
      this.#show(false);
    }
  }

  #show(playing) {
    this.playing = playing;
    this.button.textContent = playing ? "Pause" : "Play";
    this.button.setAttribute("aria-pressed", playing);
  }

  /** Say which moment it is. */
  #tell(at) {
    document.body.classList.add("past");
    this.bar.hidden = false;
    const when = at ? ` on ${LATER.format(new Date(at))}, ${clock(at)}` : "";
    document.getElementById("then-at").textContent = when;
    document.getElementById("then-seq").textContent = `line ${this.seq}`;
    this.tape.show(this.seq);
  }
}
