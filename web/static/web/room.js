// The room, put together: one socket, the transcript, what is on its way into it, and where one writes.

import { Asks } from "./asks.js";
import { Changes } from "./changes.js";
import { Company } from "./company.js";
import { Composer } from "./composer.js";
import { Deeds, copyWith } from "./deeds.js";
import { Doing } from "./doing.js";
import { Handle } from "./handle.js";
import { History } from "./history.js";
import { keys } from "./keys.js";
import { Live } from "./live.js";
import { Log } from "./log.js";
import { Outbox } from "./outbox.js";
import { Past } from "./past.js";
import { Place } from "./place.js";
import { Socket } from "./socket.js";
import { Tape } from "./tape.js";
import { Unread } from "./unread.js";
import { make } from "./text.js";
import { offerVersions } from "./versions.js";

const element = (id) => document.getElementById(id);
const about = JSON.parse(element("about-room").textContent);
const { room } = about;
const me = { person: about.person, handle: about.handle };
const hash = location.hash.slice(1);

if (/^[1-9]\d*$/.test(hash) && !element(hash) && !location.search) location.replace(`?around=${hash}#${hash}`);

const place = new Place(element("scroller"));
const log = new Log(element("lines"), { head: about.head, attached: about.foundNewest });
const socket = new Socket("/chat/", { onFrame: (frame) => live.receive(frame), onState: showState });
const asks = new Asks((frame) => live.joined && socket.send(frame));
const changes = new Changes({ me, log, room });
const outbox = new Outbox({ room, me, log, place, send: (frame) => live.joined && socket.send(frame) });
const unread = new Unread({ room, log, place, button: element("arrived"), announcer: element("announcer") });
const history = new History({
  room, me, log, place, changes, asOf: about.asOf, earlier: element("earlier"), later: element("later"), onAttached: () => live.subscribe(),
});
const composer = new Composer({
  form: element("composer"), left: element("room-left"), room, limit: about.limit, onSay: say, onUp: () => doing.editLast(), onWrite: () => company.tell(),
});
const company = new Company({
  room, me, here: element("here"), about: element("company"), writing: element("writing"),
  name: (person) => log.names.get(person), send: (frame) => live.joined && socket.send(frame),
});
const doing = new Doing({ room, asks, log, place, composer });
const tape = new Tape({ room, root: element("tape"), head: about.head, onSeek: (seq) => past.enter(seq) });
const past = new Past({ room, asks, log, place, history, changes, tape, makeLine: (event) => live.line(event) });
const live = new Live({
  room, me, log, place, socket, asks, past, tape, changes, company, outbox, unread, history, composer, empty: element("empty"),
  erasures: about.erasures,
});

new Deeds(log.list, {
  onReply: (line) => doing.reply(line),
  onEdit: (line) => doing.edit(line),
  onRemove: (line) => doing.remove(line),
  onReact: (line, emoji) => doing.react(line, emoji),
  mayRemove: (line) => line.matches(".mine") || about.owner,
  mayWrite: () => !composer.box.disabled && !history.inPast,
});
offerVersions(log.list, place);
changes.complete([...log.lines()], (who) => history.name(who), about.asOf);
new Handle({
  form: element("rename"), shown: element("handle"), refused: element("rename-refused"), me, onDone: () => composer.focus(),
});
keys({ place, composer });
element("copy-address").addEventListener("click", ({ target }) => copyWith(target, location.origin + location.pathname));
if (matchMedia("(hover: hover)").matches && !hash) composer.focus();
socket.open();

function say(message, reply) {
  unread.clear();
  company.said();
  outbox.say(message, reply);
  if (!log.attached) location.assign(location.pathname); // it waits in the outbox, and goes on from the newest lines
  place.toEnd();
}

function showState(state, words) {
  document.body.toggleAttribute("data-live", state === "open");
  if (state !== "open") {
    live.joined = false;
    outbox.lost();
    asks.lost();
    past.lost();
    company.lost();
  }
  const wire = element("wire");
  wire.classList.toggle("stopped", state === "ended");
  if (wire.textContent !== words) wire.replaceChildren(...(words ? [make("span", {}, words)] : []));
}
