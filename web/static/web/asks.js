// What was asked over the socket and is not answered yet, each under an id of its own.

const GONE = { message: "The connection was lost. Try again when it is back." };

export class Asks {
  /** `send(frame)` answers whether it could be sent. */
  constructor(send) {
    this.send = send;
    this.open = new Map();
    this.last = 0;
  }

  /** Ask; gives the answer's frame. Rejects with an Error that says why not. */
  ask(frame) {
    const id = `ask-${++this.last}`;
    return new Promise((resolve, reject) => {
      this.open.set(id, { resolve, reject });
      if (!this.send({ ...frame, id })) this.#refuse(id, GONE);
    });
  }

  /** An answer came; answers whether somebody waited for it. */
  settle(frame) {
    if (!this.open.has(frame.id)) return false;
    if (frame.type === "error") this.#refuse(frame.id, frame);
    else this.open.get(frame.id).resolve(frame);
    this.open.delete(frame.id);
    return true;
  }

  /** The connection is gone, and with it the answers. */
  lost() {
    for (const id of [...this.open.keys()]) this.#refuse(id, GONE);
  }

  #refuse(id, { message }) {
    this.open.get(id).reject(new Error(message));
    this.open.delete(id);
  }
}
