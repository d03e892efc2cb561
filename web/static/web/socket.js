// The socket: opens, notices when it is gone, comes back with jitter. Knows frames, but nothing of rooms.

const PROTOCOL = "verbatim.v1";
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 30_000;
const QUIET_MS = 25_000;
const PONG_MS = 6_000;
const NO_RETURN = 4500;

const ENDINGS = {
  4501: "This page and the server do not understand each other. Reload the page.",
  4503: "Sign in to go on.",
  4504: "This is open in too many windows. Close some, then reload.",
  4506: "The server speaks another version. Reload the page.",
  4507: "You were removed from this room.",
};

export class Socket {
  /** `onFrame(frame)` for every frame; `onState("open" | "waiting" | "ended", words)` when the connection changes. */
  constructor(path, { onFrame, onState }) {
    this.url = new URL(path, location.href.replace(/^http/, "ws"));
    this.onFrame = onFrame;
    this.onState = onState;
    this.failures = 0;
    this.ended = false;
    addEventListener("online", () => this.#hurry());
    addEventListener("offline", () => this.#probe());
    addEventListener("pageshow", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  open() {
    clearTimeout(this.timer);
    const socket = new WebSocket(this.url, PROTOCOL);
    this.socket = socket;
    this.goodbye = null;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.socket && this.#lost(code);
    this.#listen();
  }

  /** Send a frame; answers whether there was a connection to send it on. */
  send(frame) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** All is well: the next loss is a first one. */
  settle() {
    this.failures = 0;
    this.onState("open", "");
  }

  /** Stop for good and say why. */
  end(words) {
    this.ended = true;
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.socket.onclose = null;
    this.socket.close();
    this.onState("ended", words);
  }

  #receive(frame) {
    this.#listen();
    if (frame.type === "disconnect") this.goodbye = frame;
    else if (frame.type !== "pong") this.onFrame(frame);
  }

  /** Ask for a sign of life after a while of silence. */
  #listen() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.#probe(), QUIET_MS);
  }

  #probe() {
    if (this.ended) return;
    clearTimeout(this.silence);
    if (this.send({ type: "ping" }) || this.socket?.readyState === WebSocket.CONNECTING) {
      this.silence = setTimeout(() => this.#drop(), PONG_MS);
    }
  }

  /** Give a connection up that does not answer; its own close may take minutes. */
  #drop() {
    const dead = this.socket;
    dead.onclose = dead.onmessage = null;
    dead.close();
    this.#lost(1006);
  }

  #lost(code) {
    clearTimeout(this.silence);
    this.socket = null;
    if (code >= NO_RETURN || this.goodbye?.reconnect === false) {
      this.ended = true;
      this.onState("ended", ENDINGS[code] ?? this.goodbye?.reason ?? "The server ended the connection. Reload the page.");
      return;
    }
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures++) * (0.5 + Math.random() / 2);
    this.timer = setTimeout(() => this.open(), Math.max(wait, this.goodbye?.retry_after_ms ?? 0));
    this.onState("waiting", "Reconnecting…");
  }

  /** The network or the reader came back: do not wait any longer, and do not trust an old connection. */
  #hurry() {
    if (this.ended) return;
    if (this.socket) this.#probe();
    else if (!this.goodbye?.retry_after_ms) this.open();
  }
}
