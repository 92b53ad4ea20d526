// The figures of a page: each is asked for at its `data-source`, and drawn again when that answers something new.

import { Chart } from "./chart.js";
import { drawCosines } from "./cosines.js";
import { HeatMap } from "./heatmap.js";
import { content, fetchJson, make } from "./html.js";
import { curvesCharts, linesChart } from "./series.js";

export class Figure {
  constructor(element) {
    this.element = element;
    this.kind = element.dataset.chart;
    this.place = make("div", { class: "drawing" });
    element.prepend(this.place);
    this.charts = [];
    this.overlay = [];
    this.isDrawn = false;
    if (this.kind === "curves") element.append(this.published());
  }

  // A field for a file of published values, which stay on this page.
  published() {
    const file = make("input", { type: "file", accept: ".csv,text/csv" });
    const fault = make("span", { class: "fault", role: "alert" });
    file.addEventListener("change", async () => {
      this.file = file.files[0];
      this.overlay = await this.readOverlay().catch(({ message }) => {
        fault.textContent = message;
        this.file = null;
        return [];
      });
      if (this.file) fault.textContent = "";
      if (this.data) this.draw(this.data);
    });
    return make("div", { class: "published" }, make("label", {}, "published values to lay over (CSV): ", file), " ", fault);
  }

  // The series of that file, as the server reads them for these curves.
  async readOverlay() {
    if (!this.file) return [];
    const answer = await fetch(this.element.dataset.source, { method: "POST", body: this.file, headers: { "Content-Type": "text/csv" } });
    return (await content(answer)).items.map(({ label, radii, accuracy }) => ({ name: label, points: radii.map((x, i) => [x, accuracy[i]]) }));
  }

  get isDrawn() {
    return this.element.getAttribute("aria-busy") === "false";
  }

  set isDrawn(drawn) {
    this.element.setAttribute("aria-busy", String(!drawn));
  }

  // Stand where a new figure of the same kind would, and show what it would: whether it is of that kind.
  takeOver(fresh) {
    if (fresh.dataset.chart !== this.kind || fresh === this.element) return false;
    if (fresh.dataset.source !== this.element.dataset.source) this.isDrawn = false;
    for (const name of ["source", "low", "high"]) {
      if (name in fresh.dataset) this.element.dataset[name] = fresh.dataset[name];
      else delete this.element.dataset[name];
    }
    this.element.querySelector("figcaption").replaceWith(fresh.querySelector("figcaption"));
    fresh.replaceWith(this.element);
    this.map?.mark(null);
    return true;
  }

  // Ask again, and draw what has changed. What cannot be asked for is told in its place.
  async refresh() {
    const { source } = this.element.dataset;
    try {
      const found = await fetchJson(source);
      this.overlay = await this.readOverlay();
      if (source !== this.element.dataset.source) return; // something else is wanted by now
      this.draw(found);
    } catch (fault) {
      this.place.replaceChildren(make("p", { class: "fault" }, fault.message));
      this.charts = [];
      this.map = null;
    }
    this.isDrawn = true;
  }

  draw(data) {
    this.data = data;
    if (this.kind === "diagram") this.drawMap(data);
    else if (this.kind === "cosines") drawCosines(cleared(this.place), data, this.element.dataset.title);
    else this.drawCharts(this.kind === "lines" ? linesChart(data, this.element.dataset) : curvesCharts(data, this.overlay));
  }

  drawMap(data) {
    this.map ??= new HeatMap(cleared(this.place));
    this.map.bounds = this.element.dataset;
    this.map.layers = this.layers ?? new Set();
    this.map.draw(data);
    this.map.note.textContent = noteOf(data);
  }

  drawCharts({ charts, legend, note }) {
    if (this.charts.length !== charts.length) {
      const places = charts.map(() => make("div", { class: "one" }));
      cleared(this.place).append(make("div", { class: "row" }, ...places), make("ul", { class: "legend" }), make("p", { class: "remark" }));
      this.charts = places.map((place) => new Chart(place));
    }
    if (!charts.length) return void cleared(this.place).append(make("p", { class: "remark" }, note));
    charts.forEach((chart, i) => this.charts[i].draw(chart));
    this.place.querySelector(":scope > .legend").replaceChildren(...legend);
    this.place.querySelector(":scope > .remark").textContent = note;
  }

  // Which layers lie over a map.
  show(layers) {
    this.layers = layers;
    this.map?.show(layers);
  }
}

function cleared(place) {
  place.replaceChildren();
  return place;
}

// How many runs stand behind a cell, what was fixed or averaged over, and where theory is silent.
function noteOf(data) {
  const counts = [...new Set(data.n.flat().filter((n) => n > 0))].sort((a, b) => a - b);
  const span = counts.length > 1 ? `${counts[0]}–${counts.at(-1)}` : counts[0];
  const failed = data.failed.flat().reduce((sum, one) => sum + one, 0);
  const parts = [counts.length ? `n = ${span} a cell` : "no runs yet"];
  if (failed) parts[0] += `, ${failed} failed`;
  parts.push(...data.where);
  if (data.marginalize.length) parts.push(`averaged over ${data.marginalize.join(", ")}`);
  parts.push(...data.refinements.map((one) => one.words));
  parts.push(...data.theory_gaps.map((gap) => `no theory of the ${gap.name} at ${gap.at.slice(0, 6).join(", ")}${gap.at.length > 6 ? ", …" : ""}: ${gap.reason}`));
  return parts.join(" · ");
}
