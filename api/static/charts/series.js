// From the answers of /lines and /curves to charts.

import { colours } from "./colours.js";
import { make } from "./html.js";
import { groupName, spaced, words } from "./words.js";

const d3 = globalThis.d3;
const METHODS = {
  exact: { name: "exact", dash: null, width: 2.2 },
  certified: { name: "certified", dash: "7 2 2 2", width: 2.2 },
  pgd: { name: "pgd on the scored readout", dash: "6 3", width: 1.7 },
  pgd_native: { name: "pgd on the network's own loss", dash: "2 3", width: 1.4 },
};
const RADII = { absolute: "L2 radius (data units)", center_norm: "L2 radius / R, the norm of the centres" };
const BANDED = 3; // most groups whose every method gets a band; of more the first method does, of many none
const MOST_NAMED = 10;

const plainSwatch = (attributes) => {
  const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ class: "swatch", viewBox: "0 0 26 14", "aria-hidden": "true" })) swatch.setAttribute(name, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [name, value] of Object.entries({ d: "M1 7H25", fill: "none", "stroke-width": 2.4, ...attributes })) if (value !== null) path.setAttribute(name, value);
  swatch.append(path);
  return swatch;
};

export const entry = (text, attributes) => make("li", {}, plainSwatch(attributes), text);

// Groups in their colours; of many, the first and the last alone, for their colours run from one to the other.
function groupEntries(named) {
  const all = [...named].filter(([name]) => name);
  if (all.length <= MOST_NAMED) return all.map(([name, colour]) => entry(name, { stroke: colour }));
  const [first, last] = [all[0], all.at(-1)];
  const steps = all.map(([, colour]) => {
    const step = make("i", { class: "step" });
    step.style.background = colour;
    return step;
  });
  return [make("li", { class: "ramp" }, `${first[0]} `, make("span", { class: "steps", "aria-hidden": "true" }, ...steps), ` ${last[0]}`, ` (${all.length} lines)`)];
}

const coloured = (names) => {
  const known = [...new Set(names)];
  const found = colours(known.length);
  return new Map(known.map((name, i) => [name, found[i]]));
};

// Of the answer of /lines: one chart and the entries of its legend.
export function linesChart(data, { low, high }) {
  const named = coloured(data.lines.map(({ group }) => groupName(group)));
  const mean = data.statistic === "mean";
  const series = data.lines.map((line) => lineSeries(line, data.x.coordinates, named, mean));
  const theory = data.lines.filter((line) => line.theory?.values.some((value) => value !== null));
  const drawn = [...series, ...theory.map((line) => theorySeries(line, data.x.coordinates, named))];
  const y = { title: `${data.statistic} of ${data.measure_title}`, ...reach(drawn, low, high) };
  const formula = theory[0]?.theory.formula;
  const legend = [...groupEntries(named)];
  if (theory.length) legend.push(entry(`theory${formula ? ": " + formula : ""}`, { class: "grey", "stroke-dasharray": "2 3" }));
  const chart = { title: spaced(data.measure), x: { title: data.x.title, name: data.x.parameter, axis: data.x }, y, series: drawn };
  return { charts: [chart], legend, note: data.interval_over_words };
}

function lineSeries(line, coordinates, named, mean) {
  const points = coordinates.map((x, i) => ({
    x, y: line.value[i], low: mean ? line.ci_low[i] : null, high: mean ? line.ci_high[i] : null,
    suspect: line.suspect[i] > 0, note: note(line, i),
  }));
  const name = groupName(line.group);
  return { name, colour: named.get(name), points, banded: named.size <= MOST_NAMED, dots: coordinates.length <= 40, joined: true };
}

function note(line, i) {
  const parts = [`n = ${line.n[i]}`];
  if (line.phase[i]) parts.push(spaced(line.phase[i]));
  if (line.suspect[i]) parts.push(`${line.suspect[i]} of ${line.runs[i]} not trusted`);
  if (line.failed[i]) parts.push(`${line.failed[i]} failed`);
  return parts.join(", ");
}

function theorySeries(line, coordinates, named) {
  const name = groupName(line.group);
  const points = coordinates.map((x, i) => ({ x, y: line.theory.values[i] }));
  return { name: `theory${name ? ", " + name : ""}`, colour: named.get(name), points, dash: "2 3", width: 1.6 };
}

// The vertical axis: the measure's own bounds where it has both; of positive values far apart, their logarithm.
function reach(series, low, high) {
  if (low !== undefined && high !== undefined) {
    const room = 0.02 * (high - low);
    return { range: [low - room, +high + room], log: false };
  }
  const values = series.flatMap(({ points }) => points.flatMap(({ y, low: below, high: above }) => [y, below, above])).filter((value) => value !== null && value !== undefined);
  const [least, greatest] = values.length ? d3.extent(values) : [0, 1];
  if (least > 0 && greatest / least >= 100) return { range: [least, greatest], log: true };
  if (least >= 0) return { range: [0, 1.05 * greatest || 1], log: false };
  return { range: [least, greatest === least ? least + 1 : greatest], log: false };
}

// Of the answer of /curves: a chart for every readout, and the entries of their legend. `overlay` lays series over.
export function curvesCharts(data, overlay = []) {
  const named = coloured(data.curves.map(({ group }) => groupName(group)));
  const methods = Object.keys(METHODS).filter((name) => data.curves.some(({ method }) => method === name));
  const banded = named.size > MOST_NAMED ? [] : named.size > BANDED ? methods.slice(0, 1) : methods;
  const readouts = [...new Set(data.curves.map(({ readout }) => readout))];
  const charts = readouts.map((readout) => curvesChart(data.curves.filter((curve) => curve.readout === readout), named, banded, overlay));
  const grey = methods.map((name) => entry(METHODS[name].name, { class: "grey", "stroke-dasharray": METHODS[name].dash }));
  const marks = charts.some((chart) => chart.marks.length) ? [entry("theory: the radius that flips the median test point", { class: "grey", "stroke-dasharray": "1 2" })] : [];
  const spots = overlay.map(({ name }, i) => entry(`published: ${name}`, { class: "grey", d: d3.symbol(d3.symbolsStroke[i % d3.symbolsStroke.length], 42)(), transform: "translate(13,7)" }));
  return { charts, legend: [...groupEntries(named), ...grey, ...marks, ...spots], note: charts.length ? noteOf(data, banded.length > 0) : "no curve yet: no run has finished, or no method was asked for" };
}

function noteOf(data, banded) {
  const reasons = [...new Set(data.curves.map((curve) => curve.theory?.reason).filter(Boolean))].slice(0, 1);
  const over = banded && data.interval_over_words ? [`bands: 95 % interval ${data.interval_over_words}`] : [];
  return [...over, ...data.where, ...reasons.map((reason) => `no theory: ${reason}`)].join(" · ");
}

function curvesChart(curves, named, banded, overlay) {
  const series = curves.map((curve) => {
    const group = groupName(curve.group);
    const { dash, width } = METHODS[curve.method];
    const points = curve.radii.map((x, i) => ({ x, y: curve.mean[i], low: curve.ci_low?.[i], high: curve.ci_high?.[i], upper: curve.mean_upper?.[i] }));
    const open = banded.length > 0 && points.some(({ y, upper }) => upper !== undefined && upper !== y);
    return { name: [group, spaced(curve.method)].filter(Boolean).join(", "), colour: named.get(group), dash, width, points, open, banded: banded.includes(curve.method) };
  });
  const marks = new Map(curves.filter((curve) => curve.theory?.radius).map((curve) => [curve.theory.radius, { x: curve.theory.radius, name: curve.theory.formula, colour: named.get(groupName(curve.group)) }]));
  const greatest = Math.max(...series.flatMap(({ points }) => points.map(({ x }) => x))) || 1;
  return {
    title: `${curves[0].readout} readout`, series, marks: [...marks.values()], spots: overlay,
    x: { title: RADII[curves[0].radii_in], name: "radius", range: [0, greatest] }, y: { title: "robust accuracy", range: [-0.02, 1.02], log: false },
  };
}
