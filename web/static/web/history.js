// Older pages, and newer ones on a page that was opened in the past, over REST.

import { messageLine, recordLine } from "./line.js";
import { DESCRIBED, defaultHandle, describe } from "./records.js";

const LIMIT = 50;
const AHEAD = "600px 0px";

export class History {
  /** `asOf` is the seq after which the room is shown, null for now; `onAttached()` when the newest lines have been reached. */
  constructor({ room, me, log, place, changes, earlier, later, asOf, onAttached }) {
    Object.assign(this, { room, me, log, place, changes, earlier, later, asOf, onAttached });
    this.url = `/api/v1/rooms/${room}`;
    const watch = new IntersectionObserver((seen) => this.#reach(seen), { root: place.scroller, rootMargin: AHEAD });
    for (const link of [earlier, later]) watch.observe(link);
    earlier.addEventListener("click", (event) => this.#click(event, () => this.readEarlier()));
    this.watch = watch;
  }

  /** Whether the page shows the room as it was. */
  get inPast() {
    return this.asOf !== null;
  }

  /** What is still being read is not wanted any more: the page goes to another moment. */
  drop() {
    this.moment = Symbol("another moment");
  }

  /** Show that there are earlier lines which the page does not hold (any more). */
  showEarlier(yes) {
    this.earlier.hidden = !yes;
    this.earlier.href = `?before=${this.log.first}${this.inPast ? `&as_of=${this.asOf}` : ""}`;
  }

  async readEarlier() {
    await this.#read(this.earlier, async (isWanted) => {
      const upto = this.log.first - 1;
      const then = this.inPast ? { as_of: this.asOf } : {};
      const page = await this.#get("messages", { before: upto + 1, limit: LIMIT, ...then });
      const from = page.found_oldest ? 1 : page.items[0].seq;
      const lines = await this.#lines(page.items, from, upto);
      if (!isWanted()) return;
      this.place.keep(() => {
        this.log.prepend(lines);
        this.showEarlier(!page.found_oldest);
      });
    });
  }

  /** The room's newest lines as they were after the event `seq`, and their page. */
  async readAsOf(seq) {
    const page = await this.#get("messages", { as_of: seq, limit: LIMIT });
    const from = page.found_oldest || !page.items.length ? 1 : page.items[0].seq;
    const lines = await this.#lines(page.items, from, seq, seq);
    return { page, lines };
  }

  async readLater() {
    await this.#read(this.later, async (isWanted) => {
      const from = this.log.last + 1;
      const page = await this.#get("messages", { after: from - 1, limit: LIMIT });
      const upto = page.found_newest ? page.head_seq : page.items.at(-1).seq;
      const lines = await this.#lines(page.items, from, upto);
      if (!isWanted()) return;
      const change = () => lines.forEach((line) => this.log.place(line));
      this.place.keepReading(change);
      if (page.found_newest) this.#attach();
    });
  }

  /** From here on lines arrive live; what happened since the last event that was heard comes first, to the old lines too. */
  #attach() {
    this.later.hidden = true;
    this.log.attached = true;
    this.onAttached();
  }

  /** Messages, and the records between them wherever a number is missing. */
  async #lines(items, from, upto, asOf = this.asOf) {
    const lines = items.map((item) => this.#messageLine(item));
    if (upto - from + 1 > items.length) lines.push(...(await this.#records(from, upto)));
    setTimeout(() => this.changes.complete(lines, (who) => this.name(who), asOf));
    return lines.sort((one, other) => one.dataset.seq - other.dataset.seq);
  }

  async #records(from, upto) {
    const { items } = await this.#get("events", { after: from - 1, limit: 1000, types: DESCRIBED.join(",") });
    const name = (person) => this.name(person);
    return items
      .filter(({ seq }) => seq <= upto)
      .map((event) => ({ seq: event.seq, at: event.occurred_at, person: event.actor, words: describe(event, name) }))
      .filter(({ words }) => words)
      .map(recordLine);
  }

  /** What a person is called in a record. */
  name(person) {
    return person === this.me.person ? "you" : (this.log.names.get(person) ?? defaultHandle(person));
  }

  #messageLine({ seq, created_at: at, author, message_id: messageId, message, ...item }) {
    const mine = author.id === this.me.person;
    const reply = item.reply_to ? { id: item.reply_to } : null;
    const { reactions, seq_changed: changed } = item;
    const editedIn = item.edited_at && message !== null ? `${this.url}/messages` : null;
    const said = { seq, at, person: author.id, handle: author.handle || defaultHandle(author.id), messageId, message, mine };
    return messageLine({ ...said, reply, reactions, editedIn, changed });
  }

  async #get(what, query) {
    const answer = await fetch(`${this.url}/${what}?${new URLSearchParams(query)}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  }

  #reach(seen) {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting && target === this.earlier) this.readEarlier();
      if (isIntersecting && target === this.later) this.readLater();
    }
  }

  #click(event, read) {
    event.preventDefault();
    read();
  }

  /** One page at a time; a link that is still in sight afterwards is followed again. */
  async #read(link, read) {
    if (this.reading) return;
    this.reading = true;
    link.dataset.words ??= link.textContent;
    const { moment } = this;
    try {
      await read(() => moment === this.moment);
      link.textContent = link.dataset.words;
      this.watch.unobserve(link);
      this.watch.observe(link);
    } catch {
      link.textContent = "These lines could not be loaded. Try again";
    } finally {
      this.reading = false;
    }
  }
}
