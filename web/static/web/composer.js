// Where one writes: Enter sends, Shift+Enter breaks, and the draft outlives a reload.

import { countChars } from "./text.js";

const WARN_CHARS = 500;

export class Composer {
  /** `onSay(message, reply)` for every line; `limit` in code points; `onUp()` when one asks for one's last line, `onWrite()`
   * while one writes. */
  constructor({ form, left, room, limit, onSay, onUp, onWrite }) {
    this.form = form;
    this.onUp = onUp;
    this.task = null;
    this.note = document.getElementById("task");
    this.note.querySelector("button").addEventListener("click", () => this.leave());
    this.box = form.querySelector("textarea");
    this.button = form.querySelector(".send");
    this.left = left;
    this.limit = limit;
    this.onSay = onSay;
    this.key = `verbatim.draft.${room}`;
    this.words = this.box.placeholder;
    this.box.value ||= sessionStorage.getItem(this.key) ?? "";
    this.box.addEventListener("input", () => {
      this.#changed();
      if (this.#ready()) onWrite();
    });
    this.box.addEventListener("keydown", (event) => this.#key(event));
    form.addEventListener("submit", (event) => this.#submit(event));
    this.#changed();
  }

  focus() {
    this.box.focus();
  }

  /** Nothing can be written here, and why; "" opens it again. */
  lock(reason) {
    this.box.disabled = Boolean(reason);
    this.box.placeholder = reason || "Write a line";
    this.#changed();
  }

  /** Write for a purpose: `words` say which. `text` is what is there, `send(message)` where it goes instead of the room;
   * `reply` is what it answers. What was begun to write is kept for afterwards. */
  begin({ words, text = null, send = null, reply = null }) {
    this.leave();
    this.task = { send, reply, draft: text === null ? null : this.box.value };
    if (text !== null) this.box.value = text;
    this.note.querySelector("span").textContent = words;
    this.note.hidden = false;
    this.#changed();
    this.focus();
  }

  /** Leave the purpose; answers whether there was one. */
  leave() {
    const { task } = this;
    if (!task) return false;
    this.task = null;
    this.note.hidden = true;
    if (task.draft !== null) this.box.value = task.draft;
    this.#changed();
    return true;
  }

  #key(event) {
    if (event.key === "ArrowUp" && this.box.value === "" && this.onUp()) return event.preventDefault();
    // 229: a composition that ends with this very Enter, in browsers that say so late
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  #submit(event) {
    event.preventDefault();
    if (!this.#ready()) return;
    const message = this.box.value.toWellFormed().replaceAll("\0", "").trimEnd();
    const { task } = this;
    this.box.value = "";
    this.leave();
    this.#changed();
    if (task?.send) task.send(message);
    else this.onSay(message, task?.reply ?? null);
  }

  #ready() {
    return !this.box.disabled && this.box.value.trim() !== "" && this.#over() <= 0;
  }

  #over() {
    return countChars(this.box.value.trimEnd()) - this.limit;
  }

  #changed() {
    const over = this.box.value.length > this.limit - WARN_CHARS ? this.#over() : -this.limit;
    this.left.classList.toggle("over", over > 0);
    const chars = Math.abs(over).toLocaleString("en");
    this.left.textContent = over > 0 ? `${chars} too many` : over > -WARN_CHARS ? `${chars} left` : "";
    this.button.disabled = !this.#ready();
    if (!this.task?.send) sessionStorage.setItem(this.key, this.box.value);
    this.#grow();
  }

  /** For browsers that do not size a field by its content. */
  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.box.style.blockSize = "auto";
    this.box.style.blockSize = `${this.box.scrollHeight}px`;
  }
}
