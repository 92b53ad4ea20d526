// The page of the service keeps itself up to date: every part that has changed is put in the place of what it was.

import { parsed } from "../charts/html.js";

const EVERY_MILLISECONDS = 5000;

// Where somebody is at work in a part (a link has the focus, text is marked), it stays as it is.
function isInUse(part) {
  const marked = document.getSelection();
  return part.contains(document.activeElement) || (marked.type === "Range" && marked.containsNode(part, true));
}

async function refresh() {
  const answer = await fetch(location.href, { cache: "no-cache" });
  if (!answer.ok) return;
  const fresh = parsed(await answer.text());
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`#${part.id}`);
    if (now && now.innerHTML !== part.innerHTML && !isInUse(part)) part.replaceChildren(...now.childNodes);
  }
}

async function keepUp() {
  if (!document.hidden) await refresh().catch(() => null); // the next one asks again
  setTimeout(keepUp, EVERY_MILLISECONDS);
}

setTimeout(keepUp, EVERY_MILLISECONDS);
