// The page of the service keeps itself up to date: every part that has changed is put in the place of what it was.

import { parsed } from "../charts/html.js";

const EVERY_MILLISECONDS = 5000;
const STALE_MILLISECONDS = 15000;

const told = document.querySelector("#stale");
let renewed = Date.now();
let next = null;
let busy = false;

// Where somebody is at work in a part (a link has the focus, text is marked), it stays as it is.
function isInUse(part) {
  const marked = document.getSelection();
  return part.contains(document.activeElement) || (marked.type === "Range" && marked.containsNode(part, true));
}

async function refresh() {
  const answer = await fetch(location.href, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const fresh = parsed(await answer.text());
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`#${part.id}`);
    if (now && now.innerHTML !== part.innerHTML && !isInUse(part)) part.replaceChildren(...now.childNodes);
  }
  renewed = Date.now();
}

// Old numbers are not to be taken for new ones: the server may be away, or the login over.
function tellAge() {
  const seconds = Math.round((Date.now() - renewed) / 1000);
  const stale = Date.now() - renewed > STALE_MILLISECONDS;
  told.textContent = stale ? `This was so ${seconds} s ago: the server does not answer, or you are logged out.` : "";
}

async function keepUp() {
  if (busy) return;
  busy = true;
  clearTimeout(next);
  if (!document.hidden) {
    await refresh().catch(() => null); // the next one asks again
    tellAge();
  }
  busy = false;
  next = setTimeout(keepUp, EVERY_MILLISECONDS);
}

document.addEventListener("visibilitychange", () => document.hidden || keepUp());
next = setTimeout(keepUp, EVERY_MILLISECONDS);
