// What can be done with a line: one small bar that goes where the reader points, or with `e`, `r` and `a` from the keyboard.

import { clock } from "./line.js";
import { make } from "./text.js";

const SAID_MS = 1400;
const EMOJI = ["👍", "❤️", "😂", "🎉", "👀", "🙏"];

export class Deeds {
  /** `onReply`, `onEdit`, `onRemove` and `onReact(line, emoji)` do it; `mayRemove(line)` and `mayWrite()` say whether one may. */
  constructor(list, { onReply, onEdit, onRemove, onReact, mayRemove, mayWrite }) {
    Object.assign(this, { onReply, onEdit, onRemove, onReact, mayRemove, mayWrite });
    this.time = make("time");
    this.reply = this.#button("Reply", () => onReply(this.line));
    this.react = this.#button("React", () => this.#pick());
    this.edit = this.#button("Edit", () => onEdit(this.line));
    this.remove = this.#button("Remove", () => this.#confirm());
    this.copy = this.#button("Copy link", () => copyWith(this.copy, linkTo(this.line.dataset.seq)));
    this.bar = make("div", { class: "deeds" });
    list.addEventListener("pointerover", ({ target }) => this.#show(target.closest(".line[data-seq]")));
    list.addEventListener("pointerleave", () => this.bar.contains(document.activeElement) || this.bar.remove());
    list.addEventListener("focusin", ({ target }) => this.#show(target.closest(".line[data-seq]")));
    list.addEventListener("click", (event) => this.#click(event));
    list.addEventListener("keydown", (event) => event.key === "Escape" && this.#offer());
  }

  #show(line) {
    if (!line || line === this.bar.parentElement) return;
    this.line = line;
    this.#offer();
    line.querySelector(".seq").after(this.bar);
  }

  /** What can be done with this line by this reader. */
  #offer() {
    const { at } = this.line.dataset;
    this.time.dateTime = at ?? "";
    this.time.textContent = at ? clock(at) : "";
    const said = this.line.dataset.message && !this.line.querySelector(".gone") && this.mayWrite();
    this.bar.replaceChildren(
      this.time,
      ...(said ? [this.reply, this.react] : []),
      ...(said && this.line.matches(".mine") ? [this.edit] : []),
      ...(said && this.mayRemove(this.line) ? [this.remove] : []),
      this.copy,
    );
  }

  #pick() {
    const pick = (emoji) => {
      this.onReact(this.line, emoji);
      this.#offer();
    };
    const buttons = EMOJI.map((emoji) => this.#button(emoji, () => pick(emoji), `React with ${emoji}`));
    this.bar.replaceChildren(...buttons);
    buttons[0].focus();
  }

  #confirm() {
    const yes = this.#button("Remove for everybody", () => this.onRemove(this.line));
    yes.classList.add("danger");
    this.bar.replaceChildren(yes, this.#button("Keep", () => this.#offer()));
    yes.focus();
  }

  #button(words, act, label = words) {
    const button = make("button", { type: "button", class: "quiet", "aria-label": label }, words);
    button.addEventListener("click", act);
    return button;
  }

  #click({ target }) {
    if (target.matches(".unfold")) unfold(target);
    const chip = target.closest(".chip");
    if (chip && this.mayWrite()) this.onReact(chip.closest(".line"), chip.dataset.emoji);
  }
}

/** Copy a text and let the button say so. */
export async function copyWith(button, text) {
  const words = button.textContent;
  button.textContent = (await copy(text)) ? "Copied" : "Could not copy";
  setTimeout(() => (button.textContent = words), SAID_MS);
}

/** The address of a line, which works without scripts too. */
function linkTo(seq) {
  return `${location.origin}${location.pathname}?around=${seq}#${seq}`;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no secure context, or not allowed
  }
}

function unfold(button) {
  const text = button.parentElement.querySelector(".text");
  const open = text.classList.toggle("open");
  button.dataset.words ??= button.textContent;
  button.textContent = open ? "Show less" : button.dataset.words;
  button.setAttribute("aria-expanded", open);
}
