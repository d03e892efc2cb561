// Changing what was said: answers, edits, removals, reactions. What the server refuses is said at the line.

import { quoted } from "./changes.js";
import { make } from "./text.js";

const FAULT_MS = 6000;

export class Doing {
  constructor({ room, asks, log, place, composer }) {
    Object.assign(this, { room, asks, log, place, composer });
  }

  reply(line) {
    const handle = line.querySelector(".handle").textContent;
    const { message: id, seq, person, at } = line.dataset;
    const reply = { id, seq, person, at, handle, said: quoted(line) };
    this.composer.begin({ words: `Answering ${handle}, line ${seq}`, reply });
  }

  edit(line) {
    const before = line.querySelector(".text").textContent;
    const message_id = line.dataset.message;
    const send = (message) => message !== before && this.#ask(line, { type: "edit", message_id, message });
    this.composer.begin({ words: `Editing line ${line.dataset.seq}`, text: before, send });
  }

  /** Edit what one said last; answers whether there is anything. */
  editLast() {
    const mine = [...this.log.list.querySelectorAll(".line.mine[data-message]")].filter((line) => !line.querySelector(".gone"));
    if (mine.length) this.edit(mine.at(-1));
    return mine.length > 0;
  }

  remove(line) {
    this.#ask(line, { type: "redact", message_id: line.dataset.message });
  }

  /** React, or take it back if one had. */
  async react(line, emoji) {
    const change = { message_id: line.dataset.message, emoji };
    const chip = [...line.querySelectorAll(".chip")].find(({ dataset }) => dataset.emoji === emoji);
    const had = chip?.getAttribute("aria-pressed") === "true";
    const done = await this.#ask(line, { type: had ? "unreact" : "react", ...change });
    if (done?.changed === false && !had) await this.#ask(line, { type: "unreact", ...change });
  }

  async #ask(line, frame) {
    line.querySelector(".fault")?.remove();
    try {
      return await this.asks.ask({ ...frame, room: this.room });
    } catch (error) {
      const fault = make("p", { class: "fault", role: "alert" }, error.message);
      this.place.keep(() => line.append(fault));
      setTimeout(() => this.place.keep(() => fault.remove()), FAULT_MS);
      return null;
    }
  }
}
