// Where the reader is in the transcript. The scroller's column is reversed: 0 is its end, and further up is negative.

const END_PX = 48;

export class Place {
  constructor(scroller) {
    this.scroller = scroller;
  }

  get atEnd() {
    return this.scroller.scrollTop > -END_PX;
  }

  toEnd() {
    this.scroller.scrollTop = 0;
  }

  /** Change the transcript; a reader at its end stays at the end, one who reads further up keeps the place. */
  keep(change) {
    if (this.atEnd) {
      change();
      this.toEnd();
    } else {
      this.keepReading(change);
    }
  }

  /** Change the transcript under a reader who stays where they are, even at its end. */
  keepReading(change) {
    const anchor = this.#reading();
    const top = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) this.scroller.scrollTop += anchor.getBoundingClientRect().top - top;
  }

  /** The first line that can be seen. */
  #reading() {
    const top = this.scroller.getBoundingClientRect().top;
    for (const line of this.scroller.querySelectorAll(".line")) {
      if (line.getBoundingClientRect().bottom > top) return line;
    }
    return null;
  }
}
