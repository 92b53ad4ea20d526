// The page of an experiment: what is looked at of it, and how far it is while it runs.

import { Figure } from "./figures.js";
import { parsed } from "./html.js";
import { showProgress } from "./progress.js";
import { follow } from "./stream.js";
import { View } from "./view.js";

const PICTURE_MILLISECONDS = 4000;
const TOLD_AT_THE_END = ["verbs", "facts", "claims", "cosines"];

const view = new View(document.querySelector("#view"));
showCosines();
const progress = document.querySelector("#progress[data-events]");

// Numbers at once; pictures every few seconds, and never two at a time.
async function keepUp() {
  let drawing = view.shown;
  let due = 0;
  await follow({ events: progress.dataset.events, experiment: progress.dataset.experiment }, (experiment) => {
    showProgress(progress, experiment);
    if (Date.now() < due) return;
    due = Date.now() + PICTURE_MILLISECONDS;
    drawing = drawing.then(() => view.refresh());
  });
  await drawing;
  await Promise.all([view.refresh(), showEnd()]);
}

// What only the end brings: other buttons, the time, verdicts. Everything else stays as it is looked at.
async function showEnd() {
  const answer = await fetch(location.href, { cache: "no-cache" });
  const fresh = parsed(await answer.text());
  for (const name of TOLD_AT_THE_END) {
    document.getElementById(name).replaceWith(fresh.querySelector(`#${name}`));
  }
  showCosines();
}

function showCosines() {
  for (const one of document.querySelectorAll("#cosines figure.chart")) new Figure(one).refresh();
}

if (progress) keepUp();
