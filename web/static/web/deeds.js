// What can be done with a line: one small bar that goes where the reader points.

import { make } from "./text.js";
import { clock } from "./line.js";

const SAID_MS = 1400;

export class Deeds {
  constructor(list) {
    this.time = make("time");
    this.copy = make("button", { type: "button", class: "quiet" }, "Copy link");
    this.bar = make("div", { class: "deeds" }, this.time, this.copy);
    this.copy.addEventListener("click", () => copyWith(this.copy, linkTo(this.line.dataset.seq)));
    list.addEventListener("pointerover", ({ target }) => this.#show(target.closest(".line[data-seq]")));
    list.addEventListener("pointerleave", () => this.bar.contains(document.activeElement) || this.bar.remove());
    list.addEventListener("focusin", ({ target }) => this.#show(target.closest(".line[data-seq]")));
    list.addEventListener("click", ({ target }) => target.matches(".unfold") && unfold(target));
  }

  #show(line) {
    if (!line || line === this.bar.parentElement) return;
    this.line = line;
    this.time.dateTime = line.dataset.at ?? "";
    this.time.textContent = line.dataset.at ? clock(line.dataset.at) : "";
    line.querySelector(".seq").after(this.bar);
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
