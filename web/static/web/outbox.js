// What was said and is not yet in the record. Every line keeps its client_msg_id until it has its number, so that it can
// be sent again as often as need be and is recorded once.

import { messageLine, number } from "./line.js";
import { make } from "./text.js";
import { uuid7 } from "./uuid.js";

const RETRY_MS = 1500;
const MAX_RETRIES = 5;
const LANDING_MS = 1600;

export class Outbox {
  /** `send(frame)` answers whether it could be sent. */
  constructor({ room, me, log, place, send }) {
    Object.assign(this, { room, me, log, place, send });
    this.entries = new Map();
    this.key = `verbatim.unsent.${room}`;
    for (const { id, message, handle, reply } of JSON.parse(sessionStorage.getItem(this.key) ?? "[]")) {
      this.#add(id, message, handle, reply);
    }
  }

  /** Say something; `reply` is what it answers. */
  say(message, reply = null) {
    this.#add(uuid7(), message, this.me.handle, reply);
    this.#save();
    this.flush();
  }

  /** Send what waits, in its order. */
  flush() {
    for (const entry of this.entries.values()) {
      if (entry.state === "waiting" && Date.now() >= (this.pauseUntil ?? 0)) {
        const { id, message, handle, reply } = entry;
        const frame = { type: "post", id, room: this.room, message, handle, client_msg_id: id };
        if (reply) frame.reply_to = reply.id;
        if (this.send(frame)) entry.state = "sent";
      }
    }
  }

  /** The connection is gone: what was not acknowledged is sent again on the next one. */
  lost() {
    for (const entry of this.entries.values()) if (entry.state === "sent") entry.state = "waiting";
  }

  /** The server acknowledged a line: it has its number. */
  posted({ id, seq }) {
    const entry = this.entries.get(id);
    if (!entry) return;
    this.#land(entry, { seq });
    if (seq > this.log.head) return; // its event is on the way, and brings the line to its place
    this.entries.delete(id);
    this.place.keep(() => this.log.remove(entry.line)); // it was recorded before this page came, which shows it already
  }

  /** The line of an event that this page sent, for its place in the log; null for all others. */
  settle({ seq, actor, occurred_at: at, data }) {
    const entry = actor === this.me.person ? this.entries.get(data.client_msg_id) : undefined;
    if (!entry) return null;
    this.#land(entry, { seq, at, messageId: data.message_id });
    this.entries.delete(entry.id);
    return entry.line;
  }

  /** The server said no; answers whether that was about a line of ours. */
  refused({ id, message, retryable, retry_after_ms: wait }) {
    const entry = this.entries.get(id);
    if (!entry) return false;
    if (retryable && entry.retries++ < MAX_RETRIES) {
      entry.state = "waiting";
      this.pauseUntil = Date.now() + (wait ?? RETRY_MS);
      setTimeout(() => this.flush(), wait ?? RETRY_MS);
    } else {
      this.#fail(entry, message);
    }
    return true;
  }

  #add(id, message, handle, reply = null) {
    const line = messageLine({ person: this.me.person, handle, message, mine: true, reply });
    this.entries.set(id, { id, message, handle, reply, line, state: "waiting", retries: 0 });
    this.place.keep(() => this.log.pend(line));
  }

  #land(entry, { seq, at, messageId }) {
    const landed = entry.state === "landed";
    entry.state = "landed";
    this.#save();
    entry.line.classList.remove("pending", "failed");
    entry.line.querySelector(".fault")?.remove();
    number(entry.line, { seq, at, messageId });
    if (landed) return;
    entry.line.classList.add("landed");
    setTimeout(() => entry.line.classList.remove("landed"), LANDING_MS);
  }

  #fail(entry, words) {
    entry.state = "failed";
    entry.line.classList.add("failed");
    const again = make("button", { type: "button" }, "Try again");
    const drop = make("button", { type: "button" }, "Discard");
    again.addEventListener("click", () => this.#again(entry));
    drop.addEventListener("click", () => this.#discard(entry));
    const fault = make("p", { class: "fault", role: "alert" }, `Not recorded: ${words}`, again, drop);
    this.place.keep(() => entry.line.append(fault));
  }

  #again(entry) {
    entry.line.classList.remove("failed");
    entry.line.querySelector(".fault").remove();
    Object.assign(entry, { state: "waiting", retries: 0 });
    this.flush();
  }

  #discard(entry) {
    this.entries.delete(entry.id);
    this.#save();
    this.log.remove(entry.line);
  }

  /** Unsent lines outlive a reload of this tab. */
  #save() {
    const unsent = [...this.entries.values()].filter(({ state }) => state !== "landed");
    sessionStorage.setItem(this.key, JSON.stringify(unsent.map(({ id, message, handle, reply }) => ({ id, message, handle, reply }))));
  }
}
