// Who else is here, and who writes just now: told by the server, and forgotten with the connection.

import { make } from "./text.js";

const TELL_EVERY_MS = 3000;
const SHOWN = 3;

export class Company {
  /** `name(person)` is what somebody is called who has said something; `send(frame)` tells the server. */
  constructor({ room, me, here, about, writing, name, send }) {
    Object.assign(this, { room, me, here, about, writing, name, send });
    this.toldAt = -Infinity;
    this.latest = { present: [], count: 0 };
    this.writers = [];
    about.closest("details").addEventListener("toggle", () => this.#nameThem());
  }

  /** Who is in the room: `count` people, some of them by name. */
  present(frame) {
    this.latest = frame;
    this.here.textContent = `${frame.count} here`;
    this.here.hidden = frame.count < 2;
    this.#nameThem();
  }

  /** By the names that they have now: they may have said something under another one since. */
  #nameThem() {
    const { present, count } = this.latest;
    if (!count) return;
    const names = present.map((somebody) => this.#called(somebody));
    if (count > names.length) names.push(`${count - names.length} more`);
    this.about.replaceChildren(...names.flatMap((name, n) => (n ? [", ", make("bdi", {}, name)] : [make("bdi", {}, name)])));
  }

  /** Who writes just now. */
  write({ who }) {
    this.writers = who;
    const others = who.filter(({ person }) => person !== this.me.person).map((somebody) => this.#called(somebody));
    this.writing.replaceChildren();
    if (!others.length) return;
    const names = others.length > SHOWN ? [`${others.length} people`] : others;
    for (const [n, name] of names.entries()) this.writing.append(n ? (n === names.length - 1 ? " and " : ", ") : "", make("bdi", {}, name));
    this.writing.append(others.length > 1 ? " are writing…" : " is writing…");
  }

  /** Somebody may have another name by now. */
  renamed() {
    if (this.writers.length) this.write({ who: this.writers });
  }

  /** The reader writes: others hear of it, now and then. */
  tell() {
    if (performance.now() - this.toldAt < TELL_EVERY_MS) return;
    this.toldAt = performance.now();
    this.send({ type: "typing", room: this.room });
  }

  /** The reader has said it. */
  said() {
    this.toldAt = -Infinity;
  }

  /** The connection is gone: nobody knows. */
  lost() {
    this.here.hidden = true;
    this.write({ who: [] });
    this.said();
  }

  #called({ person, handle }) {
    return person === this.me.person ? "you" : (this.name(person) ?? handle);
  }
}
