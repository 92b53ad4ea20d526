// How far an experiment is: numbers, the bar, what runs, why runs failed.

import { fetchJson, make } from "./html.js";

const COUNTS = ["done", "total", "running", "queued", "failed", "cancelled", "held"];

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
function showStages(place, running) {
  const lines = running.map((one) => {
    const runs = one.runs === 1 ? "run" : "runs";
    const text = ` ${one.runs} ${runs}: ${one.stage} ${Math.round(100 * one.share)}%`;
    return make("li", {}, make("progress", { max: 1, value: one.share }), text);
  });
  place.querySelector("[data-field=stages]").replaceChildren(...lines);
}

// The parts of the bar: done, failed and cancelled, side by side.
function showBar(place, counts) {
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
async function showFailures(place) {
  const { items } = await fetchJson(place.dataset.failures);
  const lines = items.map((one) => {
    const reason = make("span", { class: "fault" }, one.reason ?? "(computed again for another experiment)");
    return make("li", {}, `${one.count} × `, reason, " ", make("a", { href: `${place.dataset.root}/runs/${one.key}` }, "a run"));
  });
  place.querySelector("[data-field=reasons]").replaceChildren(...lines);
  place.querySelector("[data-field=failures]").hidden = items.length === 0;
}

function show(place, field, text) {
  const element = place.querySelector(`[data-field=${field}]`);
  if (element) element.textContent = text;
}

// Show a state of the experiment in the section `place`.
export function showProgress(place, experiment) {
  const { counts } = experiment;
  const failedBefore = Number(place.querySelector("[data-field=failed]").textContent);
  for (const name of COUNTS) show(place, name, counts[name]);
  const status = place.querySelector("[data-field=status]");
  status.textContent = experiment.status.replaceAll("_", " ");
  status.className = `status ${experiment.status}`;
  show(place, "eta", duration(experiment.eta_seconds));
  showStages(place, experiment.running_progress);
  showBar(place, counts);
  if (counts.failed !== failedBefore) showFailures(place).catch(() => null); // the next change asks again
}
