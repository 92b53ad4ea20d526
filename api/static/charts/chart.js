// Lines against one axis: pointer and arrow keys go along it and say what every line has there.

import { drawAxis, numberTicks, scaleOf, ticksOf } from "./axes.js";
import { make } from "./html.js";
import { Tip } from "./tip.js";
import { withInterval, words } from "./words.js";

const d3 = globalThis.d3;
const MOST_TOLD = 8;
const MOST_FORMULAS = 4;
const EDGES = { left: 50, right: 12, top: 22, bottom: 46 };

// A chart: {title, x: {title, axis | range}, y: {title, range, log}, series: [{name, colour, dash, width, dots, points:
// [{x, y, low, high, upper}]}], marks: [{x, name, colour}], spots: [{name, points: [[x, y]]}]}. `axis` is one of parameters.
export class Chart {
  constructor(place) {
    this.place = place;
    this.svg = d3.select(place).append("svg").attr("class", "lines").attr("tabindex", 0).attr("role", "application");
    this.inside = this.svg.append("g");
    this.axes = { x: this.svg.append("g").attr("class", "axis"), y: this.svg.append("g").attr("class", "axis") };
    this.head = this.svg.append("text").attr("class", "head").attr("text-anchor", "middle").attr("y", 14);
    this.tip = new Tip(place);
    this.at = 0;
    this.listen();
  }

  listen() {
    const node = this.svg.node();
    node.addEventListener("pointermove", (event) => this.tell(this.nearest(d3.pointer(event, this.inside.node())), d3.pointer(event, this.inside.node())[1]));
    node.addEventListener("pointerleave", () => this.rest());
    node.addEventListener("focus", () => node.matches(":focus-visible") && this.tell(this.at));
    node.addEventListener("blur", () => this.rest());
    node.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -this.at, End: this.places.length }[event.key];
      if (step === undefined || event.altKey || event.ctrlKey) return;
      event.preventDefault();
      this.tell(Math.max(0, Math.min(this.at + step, this.places.length - 1)));
    });
    new ResizeObserver(() => this.data && this.place.clientWidth !== this.width && this.draw(this.data)).observe(this.place);
  }

  draw(data) {
    this.data = data;
    if (!this.place.clientWidth) return; // it is not in the page any more, or not yet
    this.places = [...new Set(data.series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
    this.at = Math.min(this.at, Math.max(0, this.places.length - 1));
    this.layout();
    this.svg.attr("aria-label", `${data.title}: ${data.y.title} against ${data.x.title}; arrow keys go along it`);
    this.head.attr("x", EDGES.left + this.wide / 2).text(data.title);
    this.drawFrame();
    this.drawBands();
    this.drawLines();
    this.drawMarks();
  }

  layout() {
    this.width = this.place.clientWidth;
    this.wide = Math.max(80, this.width - EDGES.left - EDGES.right);
    this.high = Math.max(170, Math.min(300, this.wide * 0.66));
    this.svg.attr("width", this.width).attr("height", this.high + EDGES.top + EDGES.bottom);
    this.inside.attr("transform", `translate(${EDGES.left},${EDGES.top})`);
    const { x, y } = this.data;
    this.x = x.axis ? scaleOf(x.axis, [0, this.wide]) : d3.scaleLinear().domain(x.range).range([0, this.wide]);
    this.y = (y.log ? d3.scaleLog() : d3.scaleLinear()).domain(y.range).range([this.high, 0]);
  }

  part(name, shape, data) {
    const group = this.inside.selectAll(`g.${name}s`).data([name]).join("g").attr("class", `${name}s`);
    return group.selectAll(shape).data(data).join(shape).attr("class", name);
  }

  drawFrame() {
    const { x, y } = this.data;
    const across = x.axis ? ticksOf(x.axis, this.x) : numberTicks(this.x, this.wide / 60);
    const up = numberTicks(this.y, this.high / 40);
    this.part("grid", "path", [""]).attr("d", across.map(({ at }) => `M${at} 0V${this.high}`).join("") + up.map(({ at }) => `M0 ${at}H${this.wide}`).join(""));
    this.axes.x.attr("transform", `translate(${EDGES.left},${EDGES.top + this.high})`);
    drawAxis(this.axes.x, across, "bottom", this.wide, x.title);
    this.axes.y.attr("transform", `translate(${EDGES.left},${EDGES.top})`);
    drawAxis(this.axes.y, up, "left", this.high, y.title, 38);
  }

  drawBands() {
    const { series } = this.data;
    const area = (low, high) => d3.area().defined((p) => has(p[low]) && has(p[high])).x((p) => this.x(p.x)).y0((p) => this.y(this.held(p[low]))).y1((p) => this.y(this.held(p[high])));
    this.part("band", "path", series.filter(({ banded }) => banded)).attr("d", (one) => area("low", "high")(seen(one))).attr("fill", ({ colour }) => colour);
    this.part("open", "path", series.filter(({ open }) => open)).attr("d", ({ points }) => area("y", "upper")(points)).attr("stroke", ({ colour }) => colour).attr("fill", ({ colour }) => colour);
  }

  // A value where the axis can show it: a log axis has no zero.
  held(value) {
    return this.data.y.log ? Math.max(value, this.data.y.range[0]) : value;
  }

  drawLines() {
    const { series } = this.data;
    const line = d3.line().defined((p) => has(p.y)).x((p) => this.x(p.x)).y((p) => this.y(this.held(p.y)));
    this.part("line", "path", series).attr("d", (one) => line(seen(one))).attr("stroke", ({ colour }) => colour)
      .attr("stroke-dasharray", ({ dash }) => dash ?? null).attr("stroke-width", ({ width }) => width ?? 2);
    const dots = series.filter((one) => one.dots).flatMap(({ points, colour }) => points.filter((p) => has(p.y)).map((p) => ({ ...p, colour })));
    this.part("dot", "circle", dots).attr("r", 3.2).attr("cx", (p) => this.x(p.x)).attr("cy", (p) => this.y(this.held(p.y)))
      .attr("stroke", ({ colour }) => colour).attr("fill", (p) => (p.suspect ? null : p.colour)).classed("hollow", (p) => p.suspect);
    const spots = (this.data.spots ?? []).flatMap(({ points }, i) => points.map(([x, y]) => ({ x, y, i })));
    this.part("spot", "path", spots).attr("d", ({ i }) => d3.symbol(d3.symbolsStroke[i % d3.symbolsStroke.length], 42)())
      .attr("transform", ({ x, y }) => `translate(${this.x(x)},${this.y(y)})`);
  }

  drawMarks() {
    const marks = (this.data.marks ?? []).filter(({ x }) => x >= this.x.domain()[0] && x <= this.x.domain()[1]);
    this.part("mark", "path", marks).attr("d", ({ x }) => `M${this.x(x)} 0V${this.high}`).attr("stroke", ({ colour }) => colour);
    const named = [...new Map(marks.map((mark) => [mark.name, mark])).values()];
    this.part("formula", "text", named.length <= MOST_FORMULAS ? named : []).text(({ name }) => name).attr("y", (_, i) => 11 + 13 * i)
      .attr("text-anchor", ({ x }) => (this.x(x) > this.wide / 2 ? "end" : "start")).attr("x", ({ x }) => this.x(x) + (this.x(x) > this.wide / 2 ? -4 : 4));
  }

  nearest([x]) {
    return d3.leastIndex(this.places, (a, b) => Math.abs(this.x(a) - x) - Math.abs(this.x(b) - x));
  }

  // Say what the lines have at a place; of many, those nearest to `y` pixels, if the pointer is there.
  tell(place, y) {
    if (place === undefined || place < 0 || !this.places.length) return;
    this.at = place;
    const x = this.places[place];
    let found = this.data.series.flatMap((one) => one.points.filter((p) => p.x === x && has(p.y)).map((p) => ({ ...p, one })));
    if (found.length > MOST_TOLD) found = d3.sort(found, (p) => Math.abs(this.y(this.held(p.y)) - (y ?? 0))).slice(0, MOST_TOLD);
    this.part("rule", "path", [x]).attr("d", `M${this.x(x)} 0V${this.high}`);
    const name = this.data.x.axis ? words(this.data.x.axis.values[this.data.x.axis.coordinates.indexOf(x)]) : words(x);
    this.tip.show(this.x(x) + EDGES.left, (y ?? this.high / 2) + EDGES.top, `${this.data.x.name} = ${name}`, found.map(told));
  }

  rest() {
    this.part("rule", "path", []);
    this.tip.hide();
  }
}

const has = (value) => value !== null && value !== undefined;
// Of a line of measurements, those that there are: it goes on over places that only other lines have.
const seen = ({ points, joined }) => (joined ? points.filter((p) => has(p.y)) : points);

function told({ y, low, high, upper, note, one }) {
  const bracket = has(upper) && upper !== y ? `, at most ${words(upper)}` : "";
  const swatch = make("i", { class: "colour" });
  swatch.style.background = one.colour;
  return make("span", {}, swatch, `${one.name ? one.name + ": " : ""}${withInterval(y, low, high)}${bracket}${note ? ", " + note : ""}`);
}
