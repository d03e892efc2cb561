// The transcript on the page: lines in the order of their numbers, grouped and dated; unnumbered ones at the end.

import { dateOf, dayRule, stamp } from "./line.js";

const GROUP_MS = 5 * 60_000;
const MAX_LINES = 900;
const KEEP_LINES = 600;

export class Log {
  /** `head` is the last seq that the page knows of; `attached` says whether the newest lines are on the page. */
  constructor(list, { head, attached }) {
    this.list = list;
    this.head = head;
    this.attached = attached;
    this.names = new Map();
    for (const line of this.lines()) {
      stamp(line, line.dataset.at);
      this.learn(line);
    }
    for (const line of this.lines()) this.arrange(line);
  }

  lines() {
    return this.list.querySelectorAll(".line[data-seq]");
  }

  get first() {
    return Number(this.list.querySelector(".line[data-seq]")?.dataset.seq ?? 0);
  }

  get last() {
    return Number(this.newest()?.dataset.seq ?? 0);
  }

  find(seq) {
    return document.getElementById(seq);
  }

  /** The line of a message. */
  message(id) {
    return this.list.querySelector(`.line[data-message="${CSS.escape(id)}"]`);
  }

  /** Put a numbered line where its number belongs; it may be on the page already, without one. */
  place(line) {
    const seq = Number(line.dataset.seq);
    const left = line.isConnected ? nextLine(line) : null;
    dropDay(line);
    const before = this.newest((other) => other !== line && Number(other.dataset.seq) < seq);
    if (!before) this.list.prepend(line);
    else if (before.nextElementSibling !== line) before.after(line);
    this.learn(line);
    for (const changed of new Set([line, nextLine(line), left])) if (changed) this.arrange(changed);
  }

  /** Show other lines instead. */
  replace(lines) {
    this.list.replaceChildren();
    this.prepend(lines);
  }

  /** Put older lines, in their order, before all others. */
  prepend(lines) {
    const oldest = nextLine(null, this.list);
    this.list.prepend(...lines);
    for (const line of lines) {
      this.learn(line);
      this.arrange(line);
    }
    if (oldest) this.arrange(oldest);
  }

  /** Put a line without a number at the end. */
  pend(line) {
    this.list.append(line);
    this.arrange(line);
  }

  remove(line) {
    const next = nextLine(line);
    dropDay(line);
    line.remove();
    if (next) this.arrange(next);
  }

  /** Forget the oldest lines of a page that was open for long; answers whether there were any. */
  trim() {
    const lines = this.lines();
    if (lines.length <= MAX_LINES) return false;
    for (const line of [...lines].slice(0, lines.length - KEEP_LINES)) {
      dropDay(line);
      line.remove();
    }
    this.arrange(nextLine(null, this.list));
    return true;
  }

  /** Set what depends on the line before: whether a day begins, and whether somebody else speaks. */
  arrange(line) {
    const before = previousLine(line);
    const at = line.dataset.at ?? new Date().toISOString();
    const newDay = !before || dateOf(before.dataset.at ?? at) !== dateOf(at);
    if (newDay && line.dataset.at) showDay(line, at);
    else dropDay(line);
    line.classList.toggle("lead", newDay || !continues(before, line, at));
  }

  learn(line) {
    const handle = line.querySelector(".handle");
    if (handle) this.names.set(line.dataset.person, handle.textContent);
  }

  newest(wanted = () => true) {
    for (let line = this.list.lastElementChild; line; line = line.previousElementSibling) {
      if (line.dataset.seq && wanted(line)) return line;
    }
    return null;
  }
}

function continues(before, line, at) {
  if (!before || isRecord(before) || isRecord(line) || before.dataset.person !== line.dataset.person) return false;
  if (before.querySelector(".handle").textContent !== line.querySelector(".handle").textContent) return false;
  return new Date(at) - new Date(before.dataset.at ?? at) < GROUP_MS;
}

function isRecord(line) {
  return line.classList.contains("record");
}

function showDay(line, at) {
  const shown = [...rulesBefore(line)].filter((rule) => rule.matches(".day"));
  if (shown.length === 1 && shown[0].firstChild.dateTime === dateOf(at)) return;
  dropDay(line);
  const unread = line.previousElementSibling?.matches(".unread") ? line.previousElementSibling : line;
  unread.before(dayRule(at));
}

function dropDay(line) {
  for (const rule of [...rulesBefore(line)]) if (rule.matches(".day")) rule.remove();
}

/** The rules between a line and the one before it. */
function* rulesBefore(line) {
  for (let rule = line.previousElementSibling; rule && !rule.matches(".line"); rule = rule.previousElementSibling) yield rule;
}

function previousLine(line) {
  let before = line.previousElementSibling;
  while (before && !before.matches(".line")) before = before.previousElementSibling;
  return before;
}

function nextLine(line, list = null) {
  let next = line ? line.nextElementSibling : list.firstElementChild;
  while (next && !next.matches(".line")) next = next.nextElementSibling;
  return next;
}
