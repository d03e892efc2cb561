// What every page needs: light or dark as the reader set it, and the zone in which the server shall tell the time.

const YEAR_S = 365 * 24 * 3600;
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function remember(name, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  const age = value ? YEAR_S : 0;
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${age}; samesite=lax${secure}`;
}

/** Switch to the other scheme; when that is the system's, follow the system again. */
function switchTheme() {
  const system = dark.matches ? "dark" : "light";
  const shown = root.dataset.theme || system;
  const wanted = shown === "dark" ? "light" : "dark";
  const set = wanted === system ? "" : wanted;
  if (set) root.dataset.theme = set;
  else delete root.dataset.theme;
  document.querySelector('meta[name="color-scheme"]').content = set || "light dark";
  remember("verbatim_theme", set);
}

/** Tell the times of the list of rooms in the reader's zone; from the next visit on the server does. */
function tellTimes() {
  for (const time of document.querySelectorAll(".facts time")) {
    const moment = new Date(time.dateTime);
    const year = moment.getFullYear() === new Date().getFullYear() ? "" : ` ${moment.getFullYear()}`;
    const clock = moment.toTimeString().slice(0, 5);
    time.textContent = `${moment.getDate()} ${moment.toLocaleString("en", { month: "long" })}${year}, ${clock}`;
  }
}

tellTimes();
remember("verbatim_zone", Intl.DateTimeFormat().resolvedOptions().timeZone || "");
for (const button of document.querySelectorAll("[data-theme-switch]")) button.addEventListener("click", switchTheme);
