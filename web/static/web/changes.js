// Events that change a line that was said before: the line shows them where it stands.

import { addReactions, markEdited, replyMark, setText } from "./marks.js";
import { describeRemoval } from "./records.js";
import { excerpt } from "./text.js";

const KINDS = ["message.edited", "message.redacted", "reaction.added", "reaction.removed"];

export class Changes {
  constructor({ me, log, room }) {
    Object.assign(this, { me, log });
    this.path = `/api/v1/rooms/${room}/messages`;
  }

  /** Let a line show what happened to it; answers whether the event was about one. `name` tells what a person is called. */
  take(event, name) {
    if (!KINDS.includes(event.event)) return false;
    const line = this.log.message(event.subject.split(":")[1]);
    if (!line || event.stub || event.seq <= Number(line.dataset.changed ?? 0)) return true;
    line.dataset.changed = event.seq;
    const { data, actor } = event;
    const mine = actor === this.me.person;
    switch (event.event) {
      case "message.edited":
        setText(line, data.message);
        markEdited(line, this.path);
        this.#requote(line.dataset.message);
        break;
      case "message.redacted":
        setText(line, null, describeRemoval(actor, line.dataset.person, name));
        this.#requote(line.dataset.message);
        break;
      case "reaction.added":
        addReactions(line, data.emoji, 1, mine || null);
        break;
      case "reaction.removed":
        addReactions(line, data.emoji, -1, mine ? false : null);
    }
    return true;
  }

  /** Let these lines tell what the server has to be asked for: what they answer, and who removed them. */
  async complete(lines, name) {
    for (const line of lines) {
      const gone = line.querySelector(".gone");
      if (gone?.textContent === describeRemoval()) {
        const { redacted_by: actor } = (await this.#get(`${line.dataset.message}/revisions`)) ?? {};
        gone.textContent = describeRemoval(actor, line.dataset.person, name);
      }
      const mark = line.querySelector(".reply:not([href])");
      const known = mark && (this.#shown(mark.dataset.reply) ?? (await this.#read(mark.dataset.reply)));
      if (known) mark.replaceWith(replyMark(known));
    }
  }

  /** What answers a line quotes it as it is now. */
  #requote(id) {
    for (const mark of this.log.list.querySelectorAll(`.reply[data-reply="${CSS.escape(id)}"]`)) {
      mark.replaceWith(replyMark(this.#shown(id)));
    }
  }

  #shown(id) {
    const line = this.log.message(id);
    return line && { id, seq: line.dataset.seq, handle: line.querySelector(".handle").textContent, said: quoted(line) };
  }

  async #read(id) {
    const item = await this.#get(id);
    if (!item) return null;
    const { seq, author, message } = item;
    return { id, seq, handle: author.handle, said: message === null ? describeRemoval() : excerpt(message) };
  }

  async #get(what) {
    const answer = await fetch(`${this.path}/${what}`).catch(() => null);
    return answer?.ok ? answer.json() : null;
  }
}

/** What an answer quotes of a line. */
export function quoted(line) {
  return excerpt(line.querySelector(".text").textContent);
}
