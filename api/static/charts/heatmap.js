// A diagram as a heat map that one can walk through: pointer, arrow keys, zoom. Fires `opencell` with {row, column}.

import { drawAxis, middleOf, scaleOf, ticksOf, widthOf } from "./axes.js";
import { blankOf, definePatterns } from "./blanks.js";
import { drawBar } from "./bar.js";
import { colourOf, limitsOf } from "./colours.js";
import { make } from "./html.js";
import { legendOf } from "./legend.js";
import { drawLayers, drawSpot } from "./layers.js";
import { Tip } from "./tip.js";
import { cellAt, cellLines, words } from "./words.js";

const d3 = globalThis.d3;
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] };
const MOST_ZOOM = 30;
let made = 0;

export class HeatMap {
  // `place` is the element that it fills; `bounds` {low, high} are set to the measure's own, if it has both.
  constructor(place) {
    this.place = place;
    this.bounds = {};
    this.name = `map${(made += 1)}`;
    this.layers = new Set();
    this.focus = [0, 0];
    this.opened = null;
    this.spot = null;
    this.view = d3.zoomIdentity;
    this.svg = d3.select(place).append("svg").attr("class", "heat");
    this.parts();
    this.tip = new Tip(place);
    this.legend = make("ul", { class: "legend" });
    this.note = make("p", { class: "remark" });
    place.append(this.tools(), this.legend, this.note);
    this.listen();
  }

  parts() {
    const defs = this.svg.append("defs");
    definePatterns(defs, this.name);
    this.clip = defs.append("clipPath").attr("id", `${this.name}-clip`).append("rect");
    this.frame = this.svg.append("g");
    const inside = this.frame.append("g").attr("clip-path", `url(#${this.name}-clip)`);
    this.grid = inside.append("g").attr("role", "grid");
    this.over = inside.append("g").attr("class", "over").attr("aria-hidden", true);
    this.axes = {};
    for (const name of ["x", "y", "bar"]) this.axes[name] = this.svg.append("g").attr("class", "axis").attr("aria-hidden", true);
    this.border = this.frame.append("rect").attr("class", "border");
  }

  tools() {
    const button = (label, sign, act) => {
      const one = make("button", { type: "button", "aria-label": label, title: label }, sign);
      one.addEventListener("click", act);
      return one;
    };
    const scale = (by) => this.svg.call(this.zoom.scaleBy, by);
    return make("div", { class: "zoom" }, button("zoom in", "+", () => scale(1.6)), button("zoom out", "−", () => scale(1 / 1.6)),
      button("show the whole", "↔", () => this.svg.call(this.zoom.transform, d3.zoomIdentity)));
  }

  listen() {
    const usable = (event) => {
      if (event.type === "wheel") return event.ctrlKey;
      return event.touches ? event.touches.length > 1 : !event.button && this.view.k > 1;
    };
    this.zoom = d3.zoom().scaleExtent([1, MOST_ZOOM]).filter(usable).on("zoom", ({ transform }) => {
      this.view = transform;
      this.render();
    });
    this.svg.call(this.zoom).on("dblclick.zoom", null);
    const cell = (act) => ({ target }) => (target.__data__?.i !== undefined ? act(target.__data__) : undefined);
    const grid = this.grid.node();
    grid.addEventListener("pointerover", cell(({ i, j }) => this.tell(i, j)));
    grid.addEventListener("pointerleave", () => (grid.contains(document.activeElement) ? this.tell(...this.focus) : this.leave()));
    grid.addEventListener("focusin", cell(({ i, j }) => {
      this.stand(i, j);
      this.tell(i, j);
    }));
    grid.addEventListener("focusout", () => this.leave());
    grid.addEventListener("click", cell(({ i, j }) => this.open(i, j)));
    grid.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.resize()).observe(this.place);
  }

  resize() {
    const before = this.width;
    this.width = this.place.clientWidth; // asked for here and before drawing: asking later lays the page out once more
    if (this.data && this.width !== before) this.render();
  }

  key(event) {
    const step = STEPS[event.key];
    if (event.key === "Enter" || event.key === " ") this.open(...this.focus, true);
    else if (event.key === "+") this.svg.call(this.zoom.scaleBy, 1.6);
    else if (event.key === "-") this.svg.call(this.zoom.scaleBy, 1 / 1.6);
    else if (event.key === "0") this.svg.call(this.zoom.transform, d3.zoomIdentity);
    else if (event.key === "Home") this.walk(this.focus[0], 0);
    else if (event.key === "End") this.walk(this.focus[0], this.data.x.values.length - 1);
    else if (step && !event.ctrlKey && !event.altKey) this.walk(this.focus[0] + step[0], this.focus[1] + step[1]);
    else return;
    event.preventDefault();
  }

  // Move the focus to a cell, and the view where it is out of it.
  walk(row, column) {
    const i = Math.max(0, Math.min(row, this.data.y.values.length - 1));
    const j = Math.max(0, Math.min(column, this.data.x.values.length - 1));
    const [x, y] = this.centre(i, j);
    if (x < 0 || x > this.wide || y < 0 || y > this.high) this.svg.call(this.zoom.translateBy, (this.wide / 2 - x) / this.view.k, (this.high / 2 - y) / this.view.k);
    this.element(i, j).focus({ preventScroll: true });
  }

  // From now on the tabulator leads to this cell.
  stand(i, j) {
    this.element(...this.focus)?.setAttribute("tabindex", -1);
    this.focus = [i, j];
    this.element(i, j).setAttribute("tabindex", 0);
  }

  element(i, j) {
    return this.grid.node().children[i]?.children[j];
  }

  centre(i, j) {
    return [middleOf(this.data.x, this.x, j), middleOf(this.data.y, this.y, i)];
  }

  title(i, j) {
    const { x, y } = this.data;
    return `${x.parameter} = ${words(x.values[j])}, ${y.parameter} = ${words(y.values[i])}`;
  }

  tell(i, j) {
    this.spot = [i, j];
    drawSpot(this);
    const [x, y] = this.centre(i, j);
    const lines = cellLines(cellAt(this.data, i, j), this.data.measure, this.data.statistic);
    this.tip.show(x + this.left, y + this.top, this.title(i, j), lines);
  }

  leave() {
    this.spot = null;
    drawSpot(this);
    this.tip.hide();
  }

  open(i, j, byKey = false) {
    if (i >= this.data.y.values.length || j >= this.data.x.values.length) return;
    this.stand(i, j);
    this.mark([i, j]);
    this.place.dispatchEvent(new CustomEvent("opencell", { bubbles: true, detail: { row: i, column: j, byKey } }));
  }

  // Mark the cell that is open beside the map; null for none.
  mark(cell) {
    this.opened = cell;
    if (this.data) this.render();
  }

  // Show a diagram, or the same one when more of it is there.
  draw(data) {
    if (axesOf(data) !== axesOf(this.data)) this.svg.property("__zoom", (this.view = d3.zoomIdentity));
    this.data = data;
    this.width = this.place.clientWidth;
    this.focus = [Math.min(this.focus[0], data.y.values.length - 1), Math.min(this.focus[1], data.x.values.length - 1)];
    this.limits = limitsOf(data.value, this.bounds.low, this.bounds.high);
    this.cells();
    this.render();
    this.legend.replaceChildren(...legendOf(data, this.layers));
  }

  // Which layers lie over the cells: a set of phases, boundaries, theory, uncertainty.
  show(layers) {
    this.layers = layers;
    if (this.data) this.draw(this.data);
  }

  cells() {
    const { data } = this;
    const colour = colourOf(this.limits);
    const kind = (i, j) => blankOf(data.state[i][j], data.value[i][j]);
    const fill = (i, j) => (kind(i, j) === null ? colour(data.value[i][j]) : `url(#${this.name}-${kind(i, j)})`);
    const rows = data.y.values.map((_, i) => data.x.values.map((__, j) => ({ i, j })));
    const row = this.grid.attr("aria-label", `${data.measure_title} on ${data.x.parameter} and ${data.y.parameter}: arrow keys go from cell to cell, Enter opens one`)
      .selectAll("g").data(rows).join("g").attr("role", "row");
    row.selectAll("rect").data((cells) => cells).join("rect").attr("role", "gridcell").attr("tabindex", -1)
      .attr("fill", ({ i, j }) => fill(i, j)).attr("aria-label", ({ i, j }) => this.title(i, j));
    this.element(...this.focus).setAttribute("tabindex", 0);
  }

  layout() {
    const { data } = this;
    const narrow = this.width < 500;
    const tall = Math.max(260, Math.min(this.width * 0.72, 560));
    const probe = (axis, size) => widthOf(ticksOf(axis, scaleOf(axis, [size, 0]), 22));
    this.left = Math.min(probe(data.y, tall) + 38, this.width * 0.4);
    this.top = 8;
    this.wide = this.width - this.left - (narrow ? 66 : 84);
    this.high = tall;
    this.svg.attr("width", this.width).attr("height", this.high + this.top + 52);
    this.frame.attr("transform", `translate(${this.left},${this.top})`);
    for (const rect of [this.clip, this.border]) rect.attr("width", this.wide).attr("height", this.high);
    this.zoom.extent([[0, 0], [this.wide, this.high]]).translateExtent([[0, 0], [this.wide, this.high]]);
  }

  render() {
    if (!this.width) return; // it is not in the page any more, or not yet
    this.layout();
    const { data, view } = this;
    this.x = scaleOf(data.x, [view.applyX(0), view.applyX(this.wide)]);
    this.y = scaleOf(data.y, [view.applyY(this.high), view.applyY(0)]);
    this.edges = { columns: data.x.edges.map(this.x), rows: data.y.edges.map(this.y) };
    const { columns, rows } = this.edges;
    this.grid.selectAll("rect").attr("x", ({ j }) => columns[j]).attr("y", ({ i }) => rows[i + 1])
      .attr("width", ({ j }) => columns[j + 1] - columns[j] + 0.3).attr("height", ({ i }) => rows[i] - rows[i + 1] + 0.3);
    drawLayers(this, columns, rows);
    drawSpot(this);
    this.drawAxes();
  }

  drawAxes() {
    const { data } = this;
    this.axes.x.attr("transform", `translate(${this.left},${this.top + this.high})`);
    drawAxis(this.axes.x, within(ticksOf(data.x, this.x), this.wide), "bottom", this.wide, data.x.title);
    this.axes.y.attr("transform", `translate(${this.left},${this.top})`);
    drawAxis(this.axes.y, within(ticksOf(data.y, this.y, 22), this.high), "left", this.high, data.y.title, this.left - 12);
    this.axes.bar.attr("transform", `translate(${this.left + this.wide + 12},${this.top})`);
    drawBar(this.axes.bar, this.limits, this.high, `${data.statistic} of ${data.measure_title}`, `${this.name}-bar`);
  }
}

const axesOf = (data) => JSON.stringify([data?.x, data?.y].map((axis) => [axis?.parameter, axis?.values]));
const within = (ticks, size) => ticks.filter(({ at }) => at >= -0.5 && at <= size + 0.5);
