// One message as nodes, as text.py makes it on the server: links, code, and otherwise the text exactly as it was sent.
// Only text nodes and elements made here; nothing that somebody wrote is ever parsed as HTML.

const FOLD_CHARS = 1200;
const FOLD_LINES = 18;
const EXCERPT_CHARS = 90;
const NOT_IN_LINKS = "\\u0000-\\u0020<>\"`\\u007f-\\u00a0\\u1680\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u2064\\u3000\\ufeff";
const SPANS = new RegExp(`\`\`\`([\\s\\S]+?)\`\`\`\\n?|\`([^\`\\n]+)\`|https?://[^${NOT_IN_LINKS}]+`, "g");
const LANGUAGE = /^[A-Za-z0-9_+-]*\n/;
const AFTER_LINKS = ".,:;!?'*_~";
const OPENING = { ")": "(", "]": "[", "}": "{" };

/** Make an element with children (strings become text nodes); `attributes` are set as they are. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** The message as nodes for its line. */
export function renderText(message) {
  const nodes = [];
  let done = 0;
  for (const found of message.matchAll(SPANS)) {
    const [whole, block, code] = found;
    let end = found.index + whole.length;
    let span;
    if (block !== undefined) span = renderBlock(whole, block);
    else if (code !== undefined) span = make("code", {}, tick("`"), code, tick("`"));
    else {
      const url = trimLink(whole);
      end = found.index + url.length;
      span = make("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, url);
    }
    if (found.index > done) nodes.push(message.slice(done, found.index));
    nodes.push(span);
    done = end;
  }
  if (done < message.length) nodes.push(message.slice(done));
  return nodes;
}

/** Whether a message is folded until somebody wants all of it. */
export function isLong(message) {
  if (message.split("\n", FOLD_LINES + 1).length > FOLD_LINES) return true;
  return message.length > FOLD_CHARS && countChars(message) > FOLD_CHARS;
}

/** What an answer quotes of a message: the beginning of its first line. */
export function excerpt(message) {
  const first = [...(message ?? "").trim().split("\n")[0]];
  return first.length <= EXCERPT_CHARS ? first.join("") : first.slice(0, EXCERPT_CHARS - 1).join("").trimEnd() + "…";
}

/** How long the server finds a text: in code points. */
export function countChars(text) {
  let chars = 0;
  for (const _ of text) chars++;
  return chars;
}

function renderBlock(whole, inside) {
  const language = LANGUAGE.exec(inside)?.[0] ?? "";
  const rest = inside.slice(language.length);
  const code = rest.endsWith("\n") ? rest.slice(0, -1) : rest;
  const opening = "```" + language;
  return make("code", { class: "block" }, tick(opening), code, tick(whole.slice(opening.length + code.length)));
}

function tick(characters) {
  return make("span", { class: "tick" }, characters);
}

function trimLink(url) {
  for (;;) {
    const last = url.at(-1);
    const closes = last in OPENING && url.split(last).length > url.split(OPENING[last]).length;
    if (!closes && !AFTER_LINKS.includes(last)) return url;
    url = url.slice(0, -1);
  }
}
