// Keeps the YAML of a spec and the form beside it in step, and tells faults and what it would come to while one types.
// The server reads and changes the text: there is one rule for what a spec means.
import { keep, offerDraft } from "./draft.js";
import { numberLines, selectLine } from "./lines.js";

const PAUSE_MILLISECONDS = 400;
const form = document.querySelector("form[data-look]");
const text = document.querySelector("#spec");
const faults = document.querySelector("#faults");
const told = document.querySelector("#told");
const inputs = new Map([...document.querySelectorAll("input[data-path]")].map((input) => [input.dataset.path, input]));

let asked = 0;
let waiting = 0;

// Asks what is to be said of the text; with a change, that field is written into it first.
async function look(change = {}) {
  clearTimeout(waiting);
  const mine = ++asked;
  const sent = text.value;
  const body = new URLSearchParams({ spec: sent, ...change });
  const answer = await fetch(form.dataset.look, { method: "POST", body }).catch(() => null);
  if (mine !== asked) return;
  if (!answer?.ok) {
    told.textContent = "The server cannot be asked just now what this comes to; what you type is kept.";
    return;
  }
  if (change.path && text.value !== sent) {
    look(change);
    return;
  }
  const said = await answer.json();
  if (change.path && said.text !== text.value) {
    text.value = said.text;
    keep(text.value);
  }
  show(said);
}

function later(change) {
  clearTimeout(waiting);
  asked += 1;
  waiting = setTimeout(() => look(change), PAUSE_MILLISECONDS);
}

function show(said) {
  for (const [path, input] of inputs) {
    const at = said.faults.find((fault) => pathOf(fault.pointer) === path);
    input.setAttribute("aria-invalid", String(Boolean(at)));
    document.getElementById(`fault-${path}`).textContent = at ? at.detail : "";
    if (input !== document.activeElement && !at?.pointer.startsWith("/form")) input.value = said.fields[path] ?? "";
  }
  told.textContent = said.told ?? "";
  faults.replaceChildren(...said.faults.map(faultItem));
  faults.hidden = said.faults.length === 0;
  text.setAttribute("aria-invalid", String(said.faults.length > 0));
  numberLines(text, new Set(said.faults.map((fault) => fault.line)));
}

// The field that a JSON pointer into a spec is about.
function pathOf(pointer) {
  const parts = pointer.split("/").slice(1);
  if (parts[0] === "sweep" || parts[0] === "form") return parts[1];
  return parts.length > 1 && inputs.has(`${parts[0]}.${parts[1]}`) ? `${parts[0]}.${parts[1]}` : parts[0];
}

function faultItem(fault) {
  const item = document.createElement("li");
  if (fault.line !== null) {
    const link = document.createElement("a");
    link.href = "#spec";
    link.dataset.line = fault.line;
    link.textContent = `line ${fault.line}`;
    item.append(link, " ");
  }
  if (fault.pointer) {
    const place = document.createElement("code");
    place.textContent = fault.pointer;
    item.append(place, ": ");
  }
  item.append(fault.detail);
  return item;
}

document.querySelector("#fields").hidden = false;
offerDraft(text, form, look);
text.addEventListener("input", () => {
  keep(text.value);
  numberLines(text, new Set());
  later({});
});
faults.addEventListener("click", (event) => {
  const line = event.target.dataset?.line;
  if (!line) return;
  event.preventDefault();
  selectLine(text, Number(line));
});
for (const [path, input] of inputs) {
  input.addEventListener("input", () => later({ path, value: input.value }));
  input.addEventListener("change", () => look({ path, value: input.value }));
}
look();
