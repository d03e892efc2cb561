// What has happened to a line since it was said: edited, removed, answered, reacted to. As line.html shows it.

import { isLong, countChars, make, renderText } from "./text.js";

/** The text of a message, folded if it is long; what was removed says so. */
export function textNodes(message, removed = "This line was removed.") {
  if (message === null) return [make("p", { class: "text gone" }, removed)];
  const words = make("div", { class: "text", dir: "auto" }, ...renderText(message));
  if (!isLong(message)) return [words];
  words.classList.add("fold");
  const chars = countChars(message).toLocaleString("en");
  const button = { type: "button", class: "unfold scripted", "aria-expanded": "false" };
  return [words, make("button", button, `Show all ${chars} characters`)];
}

/** A line says something else, or nothing any more. */
export function setText(line, message, removed) {
  line.querySelector(".unfold")?.remove();
  line.querySelector(".versions")?.remove();
  line.querySelector(".text").replaceWith(...textNodes(message, removed));
  if (message === null) line.querySelector(".edited")?.remove();
}

/** The mark that opens a line's versions; `path` is where its messages are. */
export function markEdited(line, path) {
  if (line.querySelector(".edited")) return;
  const mark = make("a", { class: "edited", href: `${path}/${line.dataset.message}/revisions` }, "edited");
  (line.querySelector(".unfold") ?? line.querySelector(".text")).after(mark);
}

/** What a line answers: `{id, seq, person, handle, said, at}`; without `seq` it is not known yet. */
export function replyMark({ id, seq, person, handle, said, at }) {
  const mark = make("a", { class: "reply", "data-reply": id, ...(seq ? { "data-by": person, "data-at": at } : {}) });
  if (!seq) {
    mark.append(make("span", {}, "an earlier line"));
    return mark;
  }
  mark.href = `#${seq}`;
  mark.append(make("bdi", {}, handle), " ", make("span", { dir: "auto" }, said));
  return mark;
}

/** So many reactions of each kind: `{emoji: count}`. */
export function setReactions(line, counts) {
  for (const [emoji, count] of Object.entries(counts)) addReactions(line, emoji, count);
}

/** `more` reactions (or fewer, below 0) with an emoji; `mine` says whether one's own is among them from now on. */
export function addReactions(line, emoji, more, mine = null) {
  let row = line.querySelector(".reactions");
  let chip = row && [...row.children].find(({ dataset }) => dataset.emoji === emoji);
  const count = Number(chip?.dataset.count ?? 0) + more;
  if (count <= 0) {
    chip?.remove();
    if (row && !row.children.length) row.remove();
    return;
  }
  if (!row) line.append((row = make("div", { class: "reactions" })));
  if (!chip) row.append((chip = make("button", { type: "button", class: "chip", "data-emoji": emoji })));
  chip.dataset.count = count;
  chip.textContent = `${emoji} ${count}`;
  if (mine !== null) chip.setAttribute("aria-pressed", mine);
}
