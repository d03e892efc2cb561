// What arrived while the reader was elsewhere: a rule before it, a button to it, a count in the title, a quiet word.

import { make } from "./text.js";

const MAX_SPOKEN = 3;

export class Unread {
  constructor({ room, log, place, button, announcer }) {
    Object.assign(this, { log, place, button, announcer });
    this.key = `verbatim.read.${room}`;
    this.title = document.title;
    this.count = 0;
    this.rule = make("li", { class: "unread" }, "New");
    this.#markSinceLastVisit();
    button.addEventListener("click", () => this.goToNewest());
    place.scroller.addEventListener("scroll", () => this.look(), { passive: true });
    document.addEventListener("visibilitychange", () => this.look());
    this.look();
  }

  /** Lines arrived live. `lines` are those of other people, in order; empty ones were only counted. */
  arrived(lines, count = lines.length) {
    if (!count) return;
    if (!this.#isReading()) {
      if (this.count === 0 && lines.length) lines[0].before(this.rule);
      this.count += count;
    }
    this.#announce(lines, count);
    this.look();
  }

  /** The reader wrote something: all above it has been seen. */
  clear() {
    this.rule.remove();
    this.count = 0;
    this.look();
  }

  /** See how far the reader has come, and say what is left. */
  look() {
    if (this.#isReading()) {
      this.count = 0;
      localStorage.setItem(this.key, this.log.head);
    }
    document.title = this.count ? `(${this.count}) ${this.title}` : this.title;
    this.button.hidden = !this.count || (this.place.atEnd && this.log.attached);
    this.button.textContent = `${this.count} new line${this.count === 1 ? "" : "s"} ↓`;
  }

  goToNewest() {
    if (!this.log.attached) location.assign(location.pathname);
    this.place.toEnd();
    this.look();
  }

  #isReading() {
    return !document.hidden && this.place.atEnd && this.log.attached;
  }

  #markSinceLastVisit() {
    const read = Number(localStorage.getItem(this.key) ?? Infinity);
    const first = [...this.log.lines()].find(({ dataset }) => Number(dataset.seq) > read);
    if (first && !first.matches(".mine")) first.before(this.rule);
  }

  /** What was read out last is not to be found any more. */
  hush() {
    this.announcer.textContent = "";
  }

  #announce(lines, count) {
    const words = lines.slice(0, MAX_SPOKEN).map(spoken);
    this.announcer.textContent = count > MAX_SPOKEN || !words.length ? `${count} new lines` : words.join("\n");
  }
}

function spoken(line) {
  const handle = line.querySelector(".handle")?.textContent;
  const text = line.querySelector(".text").textContent;
  return handle ? `${handle}: ${text}` : text;
}
