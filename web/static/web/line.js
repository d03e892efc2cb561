// Lines of the transcript, as line.html makes them on the server.

import { markEdited, replyMark, setReactions, textNodes } from "./marks.js";
import { make } from "./text.js";

const HUES = 16;
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** A message: `{seq, at, person, handle, messageId, message, mine}`; without `seq` it is on its way.
 *
 * `reply` is what it answers, `reactions` how many of each kind; `editedIn` where its messages are, if it was edited;
 * `changed` the seq of its last change.
 */
export function messageLine({ seq, at, person, handle, messageId, message, mine, reply, reactions, editedIn, changed }) {
  const line = make("li", { class: `line h${hue(person)}` });
  line.classList.toggle("mine", mine);
  line.dataset.person = person;
  const by = make("p", { class: "by" }, make("bdi", { class: "handle" }, handle), " ", make("time"));
  line.append(by, make("a", { class: "seq" }), ...(reply ? [replyMark(reply)] : []), ...textNodes(message));
  if (seq) number(line, { seq, at, messageId });
  else line.classList.add("pending");
  line.dataset.changed = changed ?? seq ?? 0;
  if (editedIn) markEdited(line, editedIn);
  if (reactions) setReactions(line, reactions);
  return line;
}

/** An event that is no message, in words. */
export function recordLine({ seq, at, person, words }) {
  const line = make("li", { class: "line record lead" });
  line.dataset.person = person;
  line.append(make("a", { class: "seq" }), make("p", { class: "text", dir: "auto" }, words));
  number(line, { seq, at });
  return line;
}

/** Give a line its number, and with it its place in the record. */
export function number(line, { seq, at, messageId }) {
  line.id = seq;
  line.dataset.seq = seq;
  if (at) stamp(line, at);
  if (messageId) line.dataset.message = messageId;
  const link = line.querySelector(".seq");
  link.href = `#${seq}`;
  link.setAttribute("aria-label", `Line ${seq}`);
  link.textContent = seq;
}

/** Write the time of a line in the reader's zone. */
export function stamp(line, at) {
  line.dataset.at = at;
  const time = line.querySelector(".by time");
  if (!time) return;
  time.dateTime = at;
  time.textContent = clock(at);
}

/** `09:43` where the reader is. */
export function clock(at) {
  const moment = new Date(at);
  return `${pad(moment.getHours())}:${pad(moment.getMinutes())}`;
}

/** The reader's day of a moment: `2026-11-22`. */
export function dateOf(at) {
  const moment = new Date(at);
  return `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
}

/** The rule across the column where a day begins. */
export function dayRule(at) {
  const parts = Object.fromEntries(DAY.formatToParts(new Date(at)).map(({ type, value }) => [type, value]));
  const words = `${parts.weekday} ${parts.day} ${parts.month} ${parts.year}`;
  return make("li", { class: "day" }, make("time", { datetime: dateOf(at) }, words));
}

/** A person's colour, one of 16 (FNV-1a, as in transcript.py). */
export function hue(person) {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(person)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return (value >>> 8) % HUES;
}

function pad(value) {
  return String(value).padStart(2, "0");
}
