// The keyboard: Escape goes back to writing, PageUp and PageDown read from there, End goes to the newest line.

const PAGES = { PageUp: -0.85, PageDown: 0.85 };

export function keys({ place, composer }) {
  const { scroller } = place;

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") escape();
    else if (event.target === composer.box && event.key in PAGES) {
      event.preventDefault();
      scroller.scrollBy({ top: PAGES[event.key] * scroller.clientHeight });
    } else if (event.key === "End" && event.target !== composer.box && scroller.contains(event.target)) {
      event.preventDefault();
      place.toEnd();
    }
  });

  document.addEventListener("pointerdown", ({ target }) => {
    for (const panel of openPanels()) if (!panel.contains(target)) panel.open = false;
  });

  // Where the keyboard covers the page instead of resizing it (iOS), the room is as high as what can be seen.
  visualViewport?.addEventListener("resize", () => {
    document.body.style.setProperty("--visible", `${visualViewport.height}px`);
    scrollTo(0, 0);
  });

  function escape() {
    if (composer.leave()) return;
    for (const panel of openPanels()) panel.open = false;
    composer.focus();
  }

  function openPanels() {
    return document.querySelectorAll("details.panel[open]");
  }
}
