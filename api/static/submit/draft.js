// What is typed outlives the page: a preset, or a page that is closed, drops nothing.
const DRAFT = "phaselab draft of a spec";
const SENT = "phaselab spec that was sent";
let shown = "";

// Storage can be forbidden; then nothing is kept, and all else works.
function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    return null;
  }
  return null;
}

// Keeps a text, but for the one that the page came with.
export function keep(text) {
  stored(DRAFT, text === shown ? null : text);
}

// Offers to bring back what was typed before, and keeps it until it is sent or let go.
export function offerDraft(text, form, changed) {
  shown = text.value.replaceAll("\r\n", "\n");
  const notice = document.querySelector("#draft");
  if (stored(SENT) !== null && stored(SENT) === stored(DRAFT) && stored(SENT) !== shown) stored(DRAFT, null);
  stored(SENT, null);
  const draft = stored(DRAFT);
  notice.hidden = draft === null || draft === shown;
  notice.addEventListener("click", (event) => {
    const wish = event.target.dataset.draft;
    if (!wish) return;
    if (wish === "back") text.value = draft;
    else stored(DRAFT, null);
    notice.hidden = true;
    text.focus();
    changed();
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value !== "submit") return;
    stored(DRAFT, text.value);
    stored(SENT, text.value);
  });
}
