// Follows an experiment that is not finished: numbers at once, pictures every few seconds, the whole page at the end.
"use strict";

const PICTURE_MILLISECONDS = 5000;
const place = document.querySelector("[data-events]");

function show(field, text) {
  const element = place.querySelector(`[data-field=${field}]`);
  if (element) element.textContent = text;
}

// As `span` in domain/settings/texts.py.
function duration(seconds) {
  if (seconds === null) return "—";
  if (seconds < 100) return `${seconds.toFixed(0)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const [whole, part, names] =
    minutes < 48 * 60
      ? [Math.floor(minutes / 60), minutes % 60, ["h", "min"]]
      : [Math.floor(Math.round(minutes / 60) / 24), Math.round(minutes / 60) % 24, ["days", "h"]];
  return `${whole} ${names[0]}` + (part ? ` ${part} ${names[1]}` : "");
}

// One line and one bar for the runs that are equally far.
function showStages(running) {
  const lines = running.map((one) => {
    const line = document.createElement("li");
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = one.share;
    const runs = one.runs === 1 ? "run" : "runs";
    line.append(bar, ` ${one.runs} ${runs}: ${one.stage} ${Math.round(100 * one.share)}%`);
    return line;
  });
  place.querySelector("[data-field=stages]").replaceChildren(...lines);
}

// The parts of the bar: done, failed and cancelled, side by side.
function showBar(counts) {
  const bar = place.querySelector("svg.bar");
  let from = 0;
  for (const name of ["done", "failed", "cancelled"]) {
    const part = bar.querySelector(`.${name}`);
    part.setAttribute("x", from);
    part.setAttribute("width", counts[name]);
    from += counts[name];
  }
  const told = `${counts.done} done, ${counts.failed} failed, ${counts.cancelled} cancelled of ${counts.total}`;
  bar.setAttribute("aria-label", told);
  bar.setAttribute("viewBox", `0 0 ${counts.total - counts.held} 1`);
}

// One line for every reason, with a link to one of its runs.
async function showFailures() {
  const answer = await fetch(place.dataset.failures, { cache: "no-cache" });
  if (!answer.ok) return;
  const items = (await answer.json()).items;
  const lines = items.map((one) => {
    const line = document.createElement("li");
    const reason = document.createElement("span");
    reason.className = "fault";
    reason.textContent = one.reason ?? "(computed again for another experiment)";
    const run = document.createElement("a");
    run.href = `${place.dataset.root}/runs/${one.key}`;
    run.textContent = "a run";
    line.append(`${one.count} × `, reason, " ", run);
    return line;
  });
  place.querySelector("[data-field=reasons]").replaceChildren(...lines);
  place.querySelector("[data-field=failures]").hidden = items.length === 0;
}

async function refresh(image) {
  const answer = await fetch(image.dataset.address, { cache: "no-cache" });
  if (!answer.ok) return;
  const former = image.src;
  image.src = URL.createObjectURL(await answer.blob());
  if (former.startsWith("blob:")) URL.revokeObjectURL(former);
}

if (place) {
  let drawn = Date.now();
  let failed = Number(place.querySelector("[data-field=failed]").textContent);
  const images = [...document.querySelectorAll("img[data-live]")];
  for (const image of images) image.dataset.address = image.src;
  const events = new EventSource(place.dataset.events);
  events.addEventListener("progress", (event) => {
    const experiment = JSON.parse(event.data);
    const counts = experiment.counts;
    for (const name of ["done", "total", "running", "queued", "failed", "cancelled", "held"]) show(name, counts[name]);
    show("status", experiment.status.replaceAll("_", " "));
    show("eta", duration(experiment.eta_seconds));
    showStages(experiment.running_progress);
    showBar(counts);
    if (counts.failed !== failed) showFailures();
    failed = counts.failed;
    if (Date.now() - drawn > PICTURE_MILLISECONDS) {
      drawn = Date.now();
      images.forEach(refresh);
    }
  });
  events.addEventListener("finished", () => {
    events.close();
    location.reload();
  });
}
