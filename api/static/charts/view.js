// What is looked at of an experiment: selects that show at once what they say, and an address that says it too.

import { Figure } from "./figures.js";
import { fetchAhead, parsed } from "./html.js";
import { Panel } from "./panel.js";
import { condition } from "./words.js";

const AHEAD = ["measure", "statistic"]; // selects that change one word of an address
const CELL = ["cell.x", "cell.y"];

export class View {
  constructor(element) {
    this.element = element;
    addEventListener("popstate", () => this.load(location.search));
    this.mount();
  }

  mount() {
    const { root, experiment, axes } = this.element.dataset;
    this.root = root;
    this.page = `${root}/experiments/${experiment}`;
    this.form = this.element.querySelector("form.choice");
    this.form.addEventListener("change", ({ target }) => this.change(target));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    for (const link of this.element.querySelectorAll(".named a")) link.addEventListener("click", (event) => this.follow(event, link));
    const layers = this.form.querySelector(".layers");
    if (layers) layers.disabled = layers.hidden = false;
    const former = this.figures ?? [];
    this.figures = [...this.element.querySelectorAll(".pictures figure.chart")].map((one) => former.find((figure) => figure.takeOver(one)) ?? new Figure(one));
    this.map = this.figures.find(({ kind }) => kind === "diagram");
    this.panel = new Panel(this.element.querySelector("#cell"), { root, experiment, axes: axes.split(" ") }, () => this.close());
    this.map?.show(this.layers());
    this.element.addEventListener("opencell", ({ detail }) => this.open(detail));
    this.shown = this.begin();
  }

  // Draw what is not drawn yet, and open the cell of the address as soon as the map is there.
  async begin() {
    if (this.map?.isDrawn) this.reopen();
    for (const figure of this.figures.filter(({ isDrawn }) => !isDrawn)) {
      await figure.refresh();
      if (figure === this.map) this.reopen();
    }
  }

  layers() {
    return new Set([...this.form.querySelectorAll("[name=show]:checked")].map(({ value }) => value));
  }

  // The query of what is looked at.
  query() {
    const query = new URLSearchParams(new FormData(this.form));
    if (!this.touched && !new URLSearchParams(location.search).has("show")) query.delete("show");
    return query;
  }

  async change(target) {
    if (target.name !== "show") {
      if (AHEAD.includes(target.name)) this.figures.slice(0, 1).forEach(({ element }) => fetchAhead(withValue(element.dataset.source, target)));
      await this.go(`?${this.query()}`);
      return;
    }
    this.touched = true;
    this.map?.show(this.layers());
    this.remember();
  }

  // Go to another view of the experiment, which has an address of its own.
  async go(query) {
    history.pushState(null, "", query);
    await this.load(query);
  }

  async follow(event, link) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    await this.go(link.search);
  }

  // Put what is looked at into the address: the selects, the layers, the open cell.
  remember() {
    const query = this.query();
    if (this.cell) CELL.forEach((name, i) => query.set(name, this.cell[i]));
    history.replaceState(null, "", `?${query}`);
  }

  // Show what a query says.
  async load(query) {
    const answer = await fetch(`${this.page}/view${query}`, { cache: "no-cache" });
    const fresh = parsed(await answer.text()).querySelector("#view");
    if (!answer.ok || !fresh) return void location.reload();
    const focused = document.activeElement?.form === this.form ? document.activeElement.name : null;
    this.element.replaceWith(fresh);
    this.element = fresh;
    this.cell = null;
    this.mount();
    if (focused) this.form.elements[focused]?.focus();
    await this.shown;
  }

  // Ask for every figure again, and for the open cell.
  async refresh() {
    await inTurn(this.figures);
    if (this.cell && this.map?.data) await this.panel.refresh(this.map.data);
  }

  async open({ row, column, byKey }) {
    const { data } = this.map;
    this.cell = [data.x.values[column], data.y.values[row]].map((value) => condition("", value).slice(1));
    this.remember();
    const filled = this.panel.open(data, this.map.element.dataset.source, row, column);
    if (byKey) this.panel.heading.focus();
    await filled;
    if (!byKey) this.panel.section.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.cell = null;
    this.panel.close();
    this.map.map.mark(null);
    this.map.map.walk(...this.map.map.focus);
    this.remember();
  }

  // Open the cell that the address names, if the map has it.
  reopen() {
    const query = new URLSearchParams(location.search);
    const { data, map } = this.map ?? {};
    if (!map || this.cell || !query.has("cell.x")) return;
    const find = (axis, name) => axis.values.findIndex((value) => condition("", value).slice(1) === query.get(name));
    const [column, row] = [find(data.x, "cell.x"), find(data.y, "cell.y")];
    if (row >= 0 && column >= 0) map.open(row, column);
  }
}

// Ask for figures one after the other: the server answers them no sooner together, and the first is waited for.
async function inTurn(figures) {
  for (const figure of figures) await figure.refresh();
}

// An address with the value of a select in it.
function withValue(source, { name, value }) {
  const address = new URL(source, location.href);
  address.searchParams.set(name, value);
  return address.pathname + address.search;
}
