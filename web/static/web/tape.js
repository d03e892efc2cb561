// The tape: the room's whole life as a strip, busier times darker. Whoever drags it chooses a moment.

import { clock, dateOf } from "./line.js";

const POINTS = 400;
const BINS = 240;
const SETTLE_MS = 140;
const GROWN_MS = 1000;

export class Tape {
  /** `head` is how far the room has come; `onSeek(seq)` when a moment was chosen. */
  constructor({ room, root, head, onSeek }) {
    Object.assign(this, { root, head, onSeek });
    this.isNow = true;
    this.canvas = root.querySelector("canvas");
    this.label = root.querySelector("output");
    this.url = `/api/v1/rooms/${room}/tape?points=${POINTS}`;
    root.addEventListener("pointerdown", (event) => this.#grab(event));
    root.addEventListener("pointermove", (event) => this.held && this.#drag(event));
    for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, () => this.#drop());
    root.addEventListener("keydown", (event) => this.#key(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    new ResizeObserver(() => this.#draw()).observe(root);
    if (head) this.load();
  }

  /** The room has come to the event `seq`, at a time; `isNow` when that is what the page shows. */
  grow(seq, at, isNow) {
    if (!this.points) {
      this.loading ??= setTimeout(() => this.load(), GROWN_MS);
      return;
    }
    this.points.push({ seq, at: Date.parse(at) });
    if (this.points.length > 2 * POINTS) this.points = this.points.filter((_, n) => n % 2 === 0 || n === 2 * POINTS);
    this.head = seq;
    this.root.hidden = this.points.length < 2;
    this.root.setAttribute("aria-valuemax", seq);
    this.show(isNow ? seq : this.seq, isNow);
    this.drawing ??= setTimeout(() => this.#draw(), GROWN_MS);
  }

  /** Read the room's life. */
  async load() {
    this.loading = null;
    const answer = await fetch(this.url).catch(() => null);
    if (!answer?.ok) return;
    const { head_seq: head, points } = await answer.json();
    this.head = head;
    this.points = points.map(({ seq, at }) => ({ seq, at: Date.parse(at) }));
    this.root.hidden = points.length < 2;
    this.root.setAttribute("aria-valuemax", head);
    this.show(this.seq ?? head, this.isNow);
    this.#draw();
  }

  /** Mark the moment after the event `seq`, or now. */
  show(seq, isNow) {
    Object.assign(this, { seq, isNow });
    if (!this.points?.length) return;
    const at = this.#timeOf(seq);
    this.root.setAttribute("aria-valuenow", seq);
    const words = isNow ? "now" : `line ${seq}, ${dateOf(at)} ${clock(at)}`;
    this.root.setAttribute("aria-valuetext", words);
    this.label.textContent = words;
    this.root.style.setProperty("--at", `${this.#share(at) * 100}%`);
  }

  #grab(event) {
    this.held = true;
    this.root.setPointerCapture(event.pointerId);
    this.#drag(event);
  }

  #drag({ clientY }) {
    const { top, height } = this.root.getBoundingClientRect();
    this.#choose(this.#seqOf(Math.min(1, Math.max(0, (clientY - top) / height))));
  }

  #drop() {
    this.held = false;
  }

  #key(event) {
    const page = Math.max(1, Math.round(this.head / 20));
    const steps = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity };
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.#choose(Math.min(this.head, Math.max(1, this.seq + steps[event.key])));
  }

  /** The moment follows the hand at once; the room follows when the hand rests. */
  #choose(seq) {
    if (seq === this.seq && this.isNow === seq >= this.head) return;
    this.show(seq, seq >= this.head);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.onSeek(seq), SETTLE_MS);
  }

  get #first() {
    return this.points[0].at;
  }

  get #last() {
    return this.points.at(-1).at;
  }

  #share(at) {
    return Math.min(1, Math.max(0, (at - this.#first) / (this.#last - this.#first || 1)));
  }

  #timeOf(seq) {
    return this.#between(seq, "seq", "at");
  }

  #seqOf(share) {
    if (share >= 1) return this.head;
    return Math.max(1, Math.floor(this.#between(this.#first + share * (this.#last - this.#first), "at", "seq")));
  }

  /** What lies at a place between two points, in a straight line. */
  #between(place, from, to) {
    const after = this.points.findIndex((point) => point[from] >= place);
    if (after === -1) return to === "seq" ? this.head : this.#last;
    if (after === 0) return this.points[0][to];
    const [one, other] = [this.points[after - 1], this.points[after]];
    const share = (place - one[from]) / (other[from] - one[from] || 1);
    return one[to] + share * (other[to] - one[to]);
  }

  #draw() {
    this.drawing = null;
    const { offsetWidth: width, offsetHeight: height } = this.root;
    if (!this.points?.length || !height) return;
    this.canvas.width = width;
    this.canvas.height = BINS;
    const said = new Array(BINS).fill(0);
    for (const [n, { seq, at }] of this.points.entries()) {
      const before = n ? this.points[n - 1].seq : 0;
      said[Math.min(BINS - 1, Math.floor(this.#share(at) * BINS))] += seq - before;
    }
    const most = Math.max(...said);
    const pen = this.canvas.getContext("2d");
    pen.fillStyle = getComputedStyle(this.root).color;
    for (const [bin, count] of said.entries()) {
      pen.globalAlpha = count ? 0.2 + 0.8 * Math.sqrt(count / most) : 0;
      pen.fillRect(0, bin, width, 1);
    }
  }
}
