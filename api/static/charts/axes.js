// Axes of parameters: scales over the edges of cells, and which values are named on them (api/pictures/scales.py).

import { words } from "./words.js";

const d3 = globalThis.d3;
const LETTER = 6.6; // pixels of a letter of a tick's name, about

export function scaleOf(axis, range) {
  const domain = [axis.edges[0], axis.edges.at(-1)];
  return (axis.scale === "log" ? d3.scaleLog() : d3.scaleLinear()).domain(domain).range(range);
}

// Where the scale of a log axis breaks off beside the place of the value 0; null where it does not.
export const breakOf = (axis) => (axis.scale === "log" && axis.values[0] === 0 ? axis.edges[1] : null);

// The middle of a cell in pixels.
export const middleOf = (axis, scale, i) => (scale(axis.edges[i]) + scale(axis.edges[i + 1])) / 2;

// Names and places of what is named on an axis, as far as it is in view: every value where they have room (`apart`
// pixels each, or what their names need), else some.
export function ticksOf(axis, scale, apart) {
  const [from, to] = d3.extent(scale.range());
  const inView = ({ at }) => at >= from - 0.5 && at <= to + 0.5;
  const every = axis.values.map((value, i) => ({ name: words(value), at: middleOf(axis, scale, i), i })).filter(inView);
  const needed = apart ?? LETTER * Math.max(...every.map((tick) => tick.name.length), 1) + 12;
  const most = Math.max(2, Math.floor((to - from) / needed));
  if (every.length <= most) return every;
  if (axis.scale !== "log") {
    const step = Math.ceil(every.length / most);
    return every.filter((tick) => tick.i % step === 0);
  }
  return powers(axis, scale, most).filter(inView);
}

function powers(axis, scale, most) {
  const zero = breakOf(axis);
  const [low, high] = scale.domain().map(Math.log10);
  const first = Math.ceil(zero === null ? low - 1e-9 : Math.max(low, Math.log10(zero)));
  const all = d3.range(first, Math.floor(high + 1e-9) + 1);
  const step = Math.max(1, Math.ceil(all.length / most));
  const named = all.filter((_, i) => i % step === 0).map((power) => 10 ** power);
  const ticks = named.map((value) => ({ name: words(value), at: scale(value) }));
  return zero === null ? ticks : [{ name: "0", at: middleOf(axis, scale, 0) }, ...ticks];
}

// Ticks of a scale of plain numbers.
export function numberTicks(scale, count) {
  const values = scale.ticks(count);
  const decades = values.filter((value) => Number.isInteger(Math.log10(value)));
  const shown = scale.base && decades.length > 1 ? decades : values;
  return shown.map((value) => ({ name: words(value), at: scale(value) }));
}

// Draw the ticks and the title of an axis into a group: `side` is bottom, left or right, `length` the axis' own.
export function drawAxis(group, ticks, side, length, title, deep = 40) {
  const flat = side === "bottom";
  const out = side === "left" ? -1 : 1;
  const all = group.selectAll("g.tick").data(ticks).join((fresh) => {
    const tick = fresh.append("g").attr("class", "tick");
    tick.append("line");
    tick.append("text");
    return tick;
  });
  all.attr("transform", ({ at }) => (flat ? `translate(${at},0)` : `translate(0,${at})`));
  all.select("line").attr(flat ? "y2" : "x2", 4 * out);
  all.select("text").text(({ name }) => name)
    .attr("text-anchor", flat ? "middle" : side === "left" ? "end" : "start")
    .attr("x", flat ? 0 : 7 * out).attr("y", flat ? 17 : 0).attr("dy", flat ? null : "0.32em");
  const place = flat ? `translate(${length / 2},${deep})` : `translate(${out * deep},${length / 2}) rotate(-90)`;
  group.selectAll("text.title").data([title]).join("text").attr("class", "title")
    .attr("text-anchor", "middle").attr("transform", place).text((text) => text);
}

// How wide the names of ticks are, about.
export const widthOf = (ticks) => LETTER * Math.max(0, ...ticks.map(({ name }) => name.length));
