// What one is called: kept in the cookie by the server, and sent with every line.

export class Handle {
  constructor({ form, shown, refused, me, onDone }) {
    this.panel = form.closest("details");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      refused.textContent = "";
      const answer = await this.#keep(form);
      if (!answer.handle) {
        refused.textContent = answer.detail;
        return;
      }
      me.handle = shown.textContent = answer.handle;
      this.panel.open = false;
      onDone();
    });
    this.panel.addEventListener("toggle", () => this.panel.open && form.elements["new-handle"].select());
  }

  async #keep(form) {
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { Accept: "application/json" },
      });
      return await answer.json();
    } catch {
      return { detail: "The server could not be reached. Try again." };
    }
  }
}
