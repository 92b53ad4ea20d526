// What lies over the cells of a map: phases, boundaries, theory, uncertainty, and marks of runs that are not trusted.

import { breakOf } from "./axes.js";
import { blankOf } from "./blanks.js";
import { THEORY } from "./colours.js";
import { middle, regions } from "./regions.js";

const d3 = globalThis.d3;
export const LETTERS = { untrained: "U", lazy: "Z", memorising: "N", feature_averaging: "A", mixed: "M", feature_learning: "L" };
const LEAST_ROOM = 180; // square pixels that a letter needs
const HALF = 0.5; // share of its runs from which a cell is hatched, not marked in its corner

// Redraw them all, one over the other. `columns` and `rows` are the edges of the cells in pixels.
export function drawLayers(map, columns, rows) {
  const { data, layers } = map;
  const shown = (layer, found) => (layers.has(layer) ? found : []);
  drawBreaks(map);
  drawSuspects(map, columns, rows);
  drawUndefined(map);
  const bars = shown("uncertainty", intervals(map, columns, rows));
  for (const name of ["interval-halo", "interval"]) part(map, name, "path", bars).attr("d", (path) => path);
  part(map, "doubt", "path", shown("uncertainty", data.crossings.filter((one) => one.steps > 1))).attr("d", (one) => doubt(map, one));
  drawLines(map, "boundary", shown("boundaries", data.boundaries)).classed("level", ({ between }) => !(between[0] in LETTERS));
  drawLines(map, "theory", shown("theory", theoryOf(data)))
    .attr("stroke", ({ style }) => style[0]).attr("stroke-dasharray", ({ style }) => style[1]);
  drawLetters(map, shown("phases", regions(data.phase)));
  around(map, part(map, "opened", "rect", map.opened ? [map.opened] : []));
}

// The cell under the pointer or the focus.
export function drawSpot(map) {
  for (const name of ["spot-halo", "spot"]) around(map, part(map, name, "rect", map.spot ? [map.spot] : []));
}

// Frames of cells [row, column].
function around({ edges: { columns, rows } }, frames) {
  frames.attr("x", ([, j]) => columns[j]).attr("y", ([i]) => rows[i + 1])
    .attr("width", ([, j]) => columns[j + 1] - columns[j]).attr("height", ([i]) => rows[i] - rows[i + 1]);
}

// The shapes of a layer, one for each of `data`; layers lie over each other in the order they are first drawn in.
function part(map, name, shape, data) {
  const group = map.over.selectAll(`g.${name}s`).data([name]).join("g").attr("class", `${name}s`);
  return group.selectAll(shape).data(data).join(shape).attr("class", name);
}

// Lines with an outline that keeps them readable on any colour.
function drawLines(map, name, data) {
  const line = d3.line((point) => map.x(point[0]), (point) => map.y(point[1]));
  part(map, `${name}-halo`, "path", data).attr("d", ({ points }) => line(points));
  return part(map, name, "path", data).attr("d", ({ points }) => line(points));
}

// The curves of theory, each with how it is drawn: one that is broken has one style.
export function theoryOf(data) {
  const names = [...new Set(data.theory.map((curve) => curve.name))];
  return data.theory.map((curve) => ({ ...curve, style: THEORY[names.indexOf(curve.name) % THEORY.length] }));
}

function drawBreaks(map) {
  const at = { x: breakOf(map.data.x), y: breakOf(map.data.y) };
  const path = (at.x === null ? "" : `M${map.x(at.x)} 0V${map.high}`) + (at.y === null ? "" : `M0 ${map.y(at.y)}H${map.wide}`);
  part(map, "break", "path", [path]).attr("d", path);
}

export const suspectShare = (data, i, j) => (data.runs[i][j] ? data.suspect[i][j] / data.runs[i][j] : 0);

export const isHatched = (share) => share >= HALF;

function drawSuspects(map, columns, rows) {
  const cells = each(map.data).map(([i, j]) => ({ i, j, share: suspectShare(map.data, i, j) })).filter(({ share }) => share > 0);
  const path = ({ i, j, share }) => {
    const [x, y, wide, high] = [columns[j], rows[i + 1], columns[j + 1] - columns[j], rows[i] - rows[i + 1]];
    if (isHatched(share)) return `M${x} ${y}h${wide}v${high}h${-wide}z`;
    const side = Math.min(wide, high, 26) * (0.25 + 0.5 * share);
    return `M${x + wide} ${y}h${-side}l${side} ${side}z`;
  };
  part(map, "suspect", "path", cells).attr("d", path)
    .attr("class", ({ share }) => `suspect ${isHatched(share) ? "hatched" : "corner"}`)
    .attr("fill", ({ share }) => (isHatched(share) ? `url(#${map.name}-suspect)` : null));
}

const each = (data) => data.value.flatMap((line, i) => line.map((_, j) => [i, j]));

function drawUndefined(map) {
  const cells = each(map.data).filter(([i, j]) => blankOf(map.data.state[i][j], map.data.value[i][j]) === "undefined");
  write(map, part(map, "undefined", "text", cells)).text("n/a");
}

// Texts in the middle of cells [row, column].
function write(map, texts) {
  return texts.attr("text-anchor", "middle").attr("dy", "0.35em")
    .attr("x", ([i, j]) => map.centre(i, j)[0]).attr("y", ([i, j]) => map.centre(i, j)[1]);
}

// In every cell a bar as wide as its 95 % interval is of all the colours; a full one says nothing is known.
function intervals(map, columns, rows) {
  const { data, limits } = map;
  const all = limits.log ? Math.log(limits.high / limits.low) : limits.high - limits.low;
  return each(data).filter(([i, j]) => data.ci_low[i][j] !== null && data.ci_high[i][j] !== null).map(([i, j]) => {
    const [low, high] = [data.ci_low[i][j], data.ci_high[i][j]];
    const share = Math.min(1, limits.log ? Math.log(high / Math.max(low, limits.low)) / all : (high - low) / all);
    const half = (share * (columns[j + 1] - columns[j])) / 2;
    const [x, y] = map.centre(i, j);
    return `M${x - half} ${y - 2}v4M${x - half} ${y}h${2 * half}M${x + half} ${y - 2}v4`;
  });
}

// A bar over the cells that a boundary may pass through.
function doubt(map, one) {
  const across = one.along === "x" ? map.data.y : map.data.x;
  const place = across.coordinates[across.values.indexOf(one.at)];
  if (one.along === "x") return `M${map.x(one.low)} ${map.y(place)}H${map.x(one.high)}`;
  return `M${map.x(place)} ${map.y(one.low)}V${map.y(one.high)}`;
}

// A letter on every region that has room for one.
function drawLetters(map, regions) {
  const { columns, rows } = map.edges;
  const room = (region) => region.reduce((sum, [i, j]) => sum + (columns[j + 1] - columns[j]) * (rows[i] - rows[i + 1]), 0);
  const found = regions.filter((region) => room(region) >= LEAST_ROOM);
  const places = found.map((region) => middle(region));
  write(map, part(map, "letter", "text", places)).text(([i, j]) => LETTERS[map.data.phase[i][j]]);
}
