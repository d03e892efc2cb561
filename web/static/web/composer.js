// Where one writes: Enter sends, Shift+Enter breaks, and the draft outlives a reload.

import { countChars } from "./text.js";

const WARN_CHARS = 500;

export class Composer {
  /** `onSay(message)` for every line; `limit` in code points. */
  constructor({ form, left, room, limit, onSay }) {
    this.form = form;
    this.box = form.querySelector("textarea");
    this.button = form.querySelector(".send");
    this.left = left;
    this.limit = limit;
    this.onSay = onSay;
    this.key = `verbatim.draft.${room}`;
    this.words = this.box.placeholder;
    this.box.value ||= sessionStorage.getItem(this.key) ?? "";
    this.box.addEventListener("input", () => this.#changed());
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

  #key(event) {
    // 229: a composition that ends with this very Enter, in browsers that say so late
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  #submit(event) {
    event.preventDefault();
    if (!this.#ready()) return;
    const message = this.box.value.toWellFormed().replaceAll("\0", "").trimEnd();
    this.box.value = "";
    this.#changed();
    this.onSay(message);
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
    sessionStorage.setItem(this.key, this.box.value);
    this.#grow();
  }

  /** For browsers that do not size a field by its content. */
  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.box.style.blockSize = "auto";
    this.box.style.blockSize = `${this.box.scrollHeight}px`;
  }
}
