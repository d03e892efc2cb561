// Every version of an edited line, below it, when its mark is asked.

import { clock, dateOf } from "./line.js";
import { make } from "./text.js";

export function offerVersions(list, place) {
  list.addEventListener("click", (event) => {
    const mark = event.target.closest(".edited");
    if (!mark || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    toggle(mark, place);
  });
}

async function toggle(mark, place) {
  const line = mark.closest(".line");
  const open = line.querySelector(".versions");
  mark.setAttribute("aria-expanded", !open);
  if (open) return place.keep(() => open.remove());
  const versions = await read(mark.href, line.dataset.at);
  place.keep(() => mark.after(versions));
}

async function read(url, saidAt) {
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) return make("p", { class: "versions" }, "The versions could not be loaded. Try again.");
  const { items } = await answer.json();
  const rows = items.map(({ message, edited_at: at }) => {
    const when = at ?? saidAt;
    const time = make("time", { datetime: when }, `${dateOf(when)} ${clock(when)}`);
    return make("li", {}, time, " ", make("span", { dir: "auto" }, message ?? "Removed."));
  });
  return make("ol", { class: "versions", "aria-label": "Versions of this line" }, ...rows);
}
