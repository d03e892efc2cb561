// The room as it goes on: frames from the socket become lines, strictly by seq, each once.

import { messageLine, recordLine } from "./line.js";
import { defaultHandle, describe } from "./records.js";

const FAR_BEHIND = 1000;
const ACK_EVERY = 100;

export class Live {
  constructor(parts) {
    Object.assign(this, parts);
    this.joined = false;
    this.waiting = [];
  }

  /** Take the room's events from the first that the page does not have. */
  subscribe() {
    this.acked = this.log.head;
    this.waiting = [];
    this.catchingUp = true;
    this.socket.send({ type: "subscribe", id: "subscribe", room: this.room, after: this.log.head });
  }

  receive(frame) {
    switch (frame.type) {
      case "welcome":
        this.me.person = frame.person;
        if (frame.erasures > this.erasures) return location.reload(); // somebody was erased while we were away
        return this.subscribe();
      case "erased":
        this.#flush();
        this.unread.hush();
        return this.place.keep(() => (frame.before ? this.changes.drop(frame.before) : this.changes.erase(frame.person)));
      case "subscribed":
        return this.#subscribed(frame);
      case "event":
        return frame.replay ? this.past.show(frame) : this.#queue(frame);
      case "caught_up":
        this.#flush();
        this.catchingUp = false;
        this.wasLive = true;
        this.acked = frame.seq;
        return this.socket.settle();
      case "presence":
        return this.company.present(frame);
      case "typing":
        return this.company.write(frame);
      case "posted":
        this.#flush();
        return this.outbox.posted(frame);
      case "replaying":
        return this.asks.settle(frame) || this.past.over(frame);
      case "done":
        this.#flush();
        return this.asks.settle(frame);
      case "error":
        return this.asks.settle(frame) || this.outbox.refused(frame) || this.#refused(frame);
    }
  }

  #subscribed({ head, after }) {
    this.joined = true;
    this.past.resume();
    if (this.wasLive && head - after > FAR_BEHIND && this.place.atEnd && this.log.attached) location.reload();
    this.outbox.flush();
  }

  #refused({ id, code, message }) {
    if (id !== "subscribe") return;
    if (code === "after_beyond_head") location.reload(); // the room was restored from a copy that knows less
    else this.socket.end(ENTRY[code] ?? message);
    this.composer.lock(ENTRY[code] ?? message);
  }

  /** Events come in bursts; each burst is one change of the page. */
  #queue(event) {
    this.waiting.push(event);
    this.timer ??= setTimeout(() => this.#flush());
  }

  #flush() {
    clearTimeout(this.timer);
    this.timer = null;
    const events = this.waiting.filter(({ seq }) => seq > this.log.head);
    this.waiting = [];
    if (events.length === 0) return;
    if (this.log.attached) this.place.keep(() => this.#show(events));
    else this.#count(events);
    this.log.head = events.at(-1).seq;
    this.tape.grow(this.log.head, events.at(-1).occurred_at ?? new Date().toISOString(), !this.history.inPast);
    this.#acknowledge();
    this.unread.look();
  }

  #show(events) {
    const others = [];
    const name = (who) => this.history.name(who);
    for (const event of events) {
      if (this.changes.take(event, name)) continue;
      const line = this.outbox.settle(event) ?? (this.log.find(event.seq) ? null : this.line(event));
      if (!line) continue;
      this.log.place(line);
      this.changes.complete([line], name);
      if (event.event === "message.posted" && event.actor !== this.me.person) others.push(line);
    }
    this.unread.arrived(others);
    if (others.length) this.company.renamed();
    this.#tidy();
  }

  /** The page shows other lines than the newest: what arrives is counted, and changes the lines that are shown. */
  #count(events) {
    const name = (who) => this.history.name(who);
    for (const event of events) {
      if (!this.history.inPast) this.changes.take(event, name) || this.#heed(event);
      else if (event.event === "message.redacted") this.changes.hide(event, name);
    }
    const others = events.filter(({ event, actor }) => event === "message.posted" && actor !== this.me.person);
    this.unread.arrived([], others.length);
  }

  /** The line that an event makes; null if it makes none. */
  line(event) {
    const { seq, occurred_at: at, actor: person, data, stub } = event;
    const mine = person === this.me.person;
    if (event.event === "message.posted" && stub) {
      const handle = mine ? this.me.handle : (this.log.names.get(person) ?? defaultHandle(person ?? ""));
      return messageLine({ seq, at, person, handle, messageId: event.subject.split(":")[1], message: null, mine });
    }
    if (event.event === "message.posted") {
      const reply = data.reply_to ? { id: data.reply_to } : null;
      const { handle, message_id: messageId, message } = data;
      return messageLine({ seq, at, person, handle, messageId, message, mine, reply });
    }
    if (stub) return null;
    if (!event.replay) this.#heed(event);
    const words = describe(event, (who) => this.history.name(who));
    return words ? recordLine({ seq, at, person, words }) : null;
  }

  /** What an event changes for the reader. */
  #heed({ event, data, stub }) {
    if (stub) return;
    if (event === "room.changed" && data.archived !== undefined) {
      this.composer.lock(data.archived ? ENTRY.archived : "");
    }
    if (event === "room.changed" && data.title) document.getElementById("title").textContent = data.title;
    if (event === "member.banned" && data.person === this.me.person) this.composer.lock(ENTRY.banned);
    if (event === "member.unbanned" && data.person === this.me.person) this.composer.lock("");
  }

  #tidy() {
    const said = this.log.list.querySelector(".line:not(.record)");
    this.empty.hidden = Boolean(said);
    if (!said) document.getElementById("next-seq").textContent = this.log.last + 1;
    if (this.place.atEnd && this.log.trim()) this.history.showEarlier(true);
  }

  /** A backlog comes in pages; the next one follows the acknowledgement of a page's last event. */
  #acknowledge() {
    const { head } = this.log;
    if (!this.catchingUp && head - this.acked < ACK_EVERY) return;
    this.acked = head;
    this.socket.send({ type: "ack", room: this.room, seq: head });
  }
}

const ENTRY = {
  archived: "This room is archived: it can be read, but nothing can be added.",
  banned: "You are banned from this room.",
  not_found: "There is no room here that you may enter.",
  unauthenticated: "You can read here. To write, sign in.",
};
