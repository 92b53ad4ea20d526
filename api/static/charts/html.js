// Elements of a page, made without a line of HTML in a text.

// An element: its attributes, and what is in it (texts and elements; null is left out).
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const ahead = new Map();
const ask = (address) => fetch(address, { cache: "no-cache", headers: { Accept: "application/json" } });

// Ask for JSON that will be needed in a moment.
export function fetchAhead(address) {
  const answer = ask(address);
  answer.catch(() => null); // told to who needs it
  ahead.set(address, answer);
}

// JSON at an address of this server, or an Error whose message is for people.
export async function fetchJson(address) {
  const asked = ahead.get(address);
  ahead.clear(); // what was not needed at once is never
  return content(await (asked ?? ask(address)));
}

// The JSON of an answer, or an Error whose message is for people.
export async function content(answer) {
  const found = await answer.json();
  if (answer.ok) return found;
  const faults = (found.errors ?? []).map((fault) => fault.detail);
  throw new Error(faults[0] ?? found.detail);
}

// The elements of a piece of a page that this server has sent.
export function parsed(text) {
  const holder = document.createElement("div");
  holder.innerHTML = text; // scripts in it are never run, and what noscript holds stays text
  return holder;
}
