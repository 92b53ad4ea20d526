// A cell of a diagram, opened beside it: its numbers, curves, lines over time, cosines of each seed, and its runs.

import { drawCosines } from "./cosines.js";
import { Figure } from "./figures.js";
import { fetchJson, make } from "./html.js";
import { cellAt, cellLines, condition, spaced, words } from "./words.js";

const TIME = "training.steps";
const MOST_RUNS = 12;
const MOST_MATRICES = 6;
const FORMATS = ["json", "csv", "png", "svg", "pdf"];

export class Panel {
  // `section` is what it fills; `view` is {root, experiment, axes} of the page; `closed` is called when it is closed.
  constructor(section, view, closed) {
    this.section = section;
    this.view = view;
    section.addEventListener("keydown", ({ key }) => key === "Escape" && closed());
    this.closed = closed;
  }

  // Show the cell (row, column) of a diagram that was asked for at an address.
  async open(data, source, row, column) {
    this.at = [row, column];
    this.asked = new URL(source, location.href).searchParams;
    const places = [[data.x.parameter, data.x.values[column]], [data.y.parameter, data.y.values[row]]];
    this.conditions = [...this.asked.getAll("where"), ...places.map(([path, value]) => condition(path, value))];
    const close = make("button", { type: "button", "aria-label": "close the cell", title: "close the cell" }, "×");
    close.addEventListener("click", this.closed);
    this.heading = make("h2", { tabindex: -1 }, places.map(([path, value]) => `${path} = ${words(value)}`).join(", "));
    this.facts = make("ul", { class: "told" });
    this.matrices = make("div", { class: "matrices" });
    this.runs = make("div", { class: "scroll", role: "region", "aria-label": "Runs of the cell", tabindex: 0 });
    this.figures = [this.curves(), ...this.overTime(data)];
    this.section.replaceChildren(make("header", {}, this.heading, close), this.facts, ...this.figures.map(({ element }) => element), this.matrices, make("h3", {}, "Runs"), this.runs);
    this.section.hidden = false;
    this.shown = null;
    await this.refresh(data);
  }

  close() {
    this.section.hidden = true;
    this.section.replaceChildren();
    this.at = null;
  }

  // Show what is new of the same cell.
  async refresh(data) {
    const lines = cellLines(cellAt(data, ...this.at), data.measure, data.statistic);
    this.facts.replaceChildren(...lines.map((line) => make("li", {}, line)));
    await Promise.all([...this.figures.map((figure) => figure.refresh()), this.showRuns()]);
  }

  address(call, query) {
    return `${this.view.root}/api/v1/${call}?${new URLSearchParams([["experiment", this.view.experiment], ...query])}`;
  }

  curves() {
    const by = this.asked.getAll("marginalize").map((path) => ["by", path]);
    return this.figure("curves", [...by, ...this.conditions.map((text) => ["where", text])], "Robust accuracy against radius");
  }

  // The measure along training, where the experiment sweeps that.
  overTime(data) {
    if (!this.view.axes.includes(TIME)) return [];
    const rest = this.conditions.filter((text) => !text.startsWith(`${TIME}=`)).map((text) => ["where", text]);
    const averaged = this.asked.getAll("marginalize").filter((path) => path !== TIME).map((path) => ["marginalize", path]);
    const query = [["x", TIME], ["measure", data.measure], ["statistic", data.statistic], ...rest, ...averaged];
    return [this.figure("lines", query, "Over time")];
  }

  figure(kind, query, title) {
    const link = (format) => make("a", { href: this.address(`${kind}.${format}`, query) }, format);
    const caption = make("figcaption", {}, `${title}: `, ...FORMATS.flatMap((format) => [link(format), " "]));
    return new Figure(make("figure", { class: "chart", "data-chart": kind, "data-source": this.address(`${kind}.json`, query) }, caption));
  }

  async showRuns() {
    const query = new URLSearchParams(this.conditions.map((text) => ["where", text]));
    const path = `${this.view.root}/experiments/${this.view.experiment}/runs`;
    const at = this.at;
    const { items, total } = await fetchJson(`${this.view.root}/api/v1/experiments/${this.view.experiment}/runs?${query}&limit=${MOST_RUNS}`);
    if (at !== this.at) return;
    const all = make("p", {}, make("a", { href: `${path}?${query}` }, total > items.length ? `all ${total} runs` : "as a table of runs"));
    this.runs.replaceChildren(this.table(items), all);
    await this.showCosines(items.filter(({ state }) => state === "done").slice(0, MOST_MATRICES));
  }

  table(items) {
    const head = make("tr", {}, ...["run", "seed", "state", "phase", "trust"].map((name) => make("th", { scope: "col" }, name)));
    const rows = items.map((run) => make("tr", {},
      make("td", {}, make("a", { href: `${this.view.root}/runs/${run.key}` }, make("code", {}, run.key.slice(0, 12)))),
      make("td", { class: "number" }, String(run.seed)), make("td", {}, make("span", { class: `status ${run.state}` }, run.state)),
      make("td", {}, run.phase ? spaced(run.phase) : "—"), make("td", {}, run.trust ? run.trust.verdict : "—")));
    return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  }

  // A matrix for every seed; nothing for networks that have none.
  async showCosines(runs) {
    const keys = runs.map(({ key }) => key).join();
    if (keys === this.shown) return;
    this.shown = keys;
    const found = await Promise.all(runs.map(({ key }) => fetchJson(`${this.view.root}/api/v1/runs/${key}/cosines`).catch(() => null)));
    if (this.shown !== keys) return;
    this.matrices.replaceChildren();
    found.forEach((one, i) => one?.cosines?.length && drawCosines(this.matrices.appendChild(make("div", { class: "one" })), one, `seed ${runs[i].seed}`));
    if (this.matrices.children.length) this.matrices.prepend(make("h3", {}, "Cosines of centres and neurons"));
  }
}
