// Events that change a line that was said before: the line shows them where it stands.

import { addReactions, markEdited, replyMark, setText } from "./marks.js";
import { defaultHandle, describeRemoval } from "./records.js";
import { excerpt } from "./text.js";

/** How an answer quotes a message after such an event. */
const QUOTED = { "message.edited": ({ message }) => excerpt(message), "message.redacted": () => describeRemoval() };
const KINDS = ["message.edited", "message.redacted", "reaction.added", "reaction.removed"];

export class Changes {
  constructor({ me, log, room }) {
    Object.assign(this, { me, log });
    this.path = `/api/v1/rooms/${room}/messages`;
  }

  /** Let a line show what happened to it; answers whether the event was about one. `name` tells what a person is called. */
  take(event, name) {
    if (!KINDS.includes(event.event)) return false;
    const line = this.log.message(messageOf(event));
    if (line && !event.stub && event.seq > Number(line.dataset.changed ?? 0)) {
      line.dataset.changed = event.seq;
      this.#change(line, event, name);
    }
    this.#requote(event);
    return true;
  }

  /** Let a line that is shown as it was say no more what is removed by now. */
  hide(event, name) {
    const line = this.log.message(messageOf(event));
    if (line) this.#change(line, event, name);
    this.#requote(event);
  }

  /** Somebody was erased: nothing that they said is shown any more, nor what they were called. */
  erase(person) {
    const [was, handle] = [this.log.names.get(person), defaultHandle(person)];
    this.log.names.delete(person);
    for (const line of this.log.lines()) {
      const words = line.matches(".record") && was ? line.querySelector(".text") : null;
      if (words) words.textContent = words.textContent.replaceAll(was, handle);
      else if (line.dataset.person === person && !line.matches(".record")) {
        setText(line, null, describeRemoval());
        line.querySelector(".handle").textContent = handle;
      }
    }
    for (const mark of this.log.list.querySelectorAll(`.reply[data-by="${CSS.escape(person)}"]`)) {
      mark.firstElementChild.textContent = handle;
      mark.lastElementChild.textContent = describeRemoval();
    }
  }

  /** What was said before a time is kept no more, nor what who said it was called. */
  drop(before) {
    for (const line of this.log.lines()) {
      if (line.matches(".record") || line.dataset.at >= before) continue;
      setText(line, null, describeRemoval());
      line.querySelector(".handle").textContent = defaultHandle(line.dataset.person);
    }
    for (const mark of this.log.list.querySelectorAll(".reply[href]")) {
      if (mark.dataset.at < before) {
        mark.firstElementChild.textContent = defaultHandle(mark.dataset.by);
        mark.lastElementChild.textContent = describeRemoval();
      }
    }
  }

  #change(line, { event, data, actor }, name) {
    const mine = actor === this.me.person;
    switch (event) {
      case "message.edited":
        setText(line, data.message);
        markEdited(line, this.path);
        break;
      case "message.redacted":
        setText(line, null, describeRemoval(actor, line.dataset.person, name));
        break;
      case "reaction.added":
        addReactions(line, data.emoji, 1, mine || null);
        break;
      case "reaction.removed":
        addReactions(line, data.emoji, -1, mine ? false : null);
    }
  }

  /** Let these lines tell what the server has to be asked for: what they answer (as it was after the event `asOf`, if
   * they are of the past), and who removed them. */
  async complete(lines, name, asOf = null) {
    for (const line of lines) {
      const gone = line.querySelector(".gone");
      if (gone?.textContent === describeRemoval()) {
        const { redacted_by: actor } = (await this.#get(`/${line.dataset.message}/revisions`)) ?? {};
        gone.textContent = describeRemoval(actor, line.dataset.person, name);
      }
      const mark = line.querySelector(".reply:not([href])");
      const known = mark && (this.#shown(mark.dataset.reply) ?? (await this.#read(mark.dataset.reply, asOf)));
      if (known) mark.replaceWith(replyMark(known));
    }
  }

  /** What answers a message quotes it as it is from now on, whether it is on the page or not. */
  #requote(event) {
    if (event.stub || !(event.event in QUOTED)) return;
    const id = messageOf(event);
    const said = this.#shown(id)?.said ?? QUOTED[event.event](event.data);
    for (const mark of this.log.list.querySelectorAll(`.reply[href][data-reply="${CSS.escape(id)}"]`)) {
      mark.lastElementChild.textContent = said;
    }
  }

  #shown(id) {
    const line = this.log.message(id);
    const { seq, person, at } = line?.dataset ?? {};
    return line && { id, seq, person, at, handle: line.querySelector(".handle").textContent, said: quoted(line) };
  }

  async #read(id, asOf) {
    const now = await this.#get(`/${id}`);
    const item = now && asOf !== null ? await this.#readAsOf(now.seq, asOf) : now;
    if (!item) return null;
    const { seq, author, message, created_at: at } = item;
    const said = message === null ? describeRemoval() : excerpt(message);
    return { id, seq, person: author.id, at, handle: author.handle || defaultHandle(author.id), said };
  }

  async #readAsOf(seq, asOf) {
    const page = await this.#get(`?around=${seq}&limit=1&as_of=${asOf}`);
    return page?.items.find((item) => item.seq === seq);
  }

  async #get(what) {
    const answer = await fetch(this.path + what).catch(() => null);
    return answer?.ok ? answer.json() : null;
  }
}

function messageOf(event) {
  return event.subject.split(":")[1];
}

/** What an answer quotes of a line. */
export function quoted(line) {
  return excerpt(line.querySelector(".text").textContent);
}
