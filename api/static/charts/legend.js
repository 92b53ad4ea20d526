// What marks, letters and lines of a map mean; only what is on it.

import { BLANKS, blankOf } from "./blanks.js";
import { make } from "./html.js";
import { isHatched, LETTERS, suspectShare, theoryOf } from "./layers.js";
import { spaced } from "./words.js";

const SPACE = "http://www.w3.org/2000/svg";

function drawn(name, attributes) {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function entry(text, shape, attributes) {
  const swatch = drawn("svg", { class: "swatch", viewBox: "0 0 26 14", "aria-hidden": "true" });
  swatch.append(drawn(shape, attributes));
  return make("li", {}, swatch, text);
}

const letter = (phase) => make("li", {}, make("b", { class: "letter" }, LETTERS[phase]), spaced(phase));
const stroke = (text, attributes) => entry(text, "path", { d: "M1 7H25", ...attributes });

export function legendOf(data, layers) {
  return [...phases(data, layers), ...boundaries(data, layers), ...doubts(data, layers), ...suspects(data), ...blanks(data), ...theory(data, layers)];
}

function phases(data, layers) {
  const present = new Set(data.phase.flat());
  return layers.has("phases") ? Object.keys(LETTERS).filter((phase) => present.has(phase)).map(letter) : [];
}

function boundaries(data, layers) {
  if (!layers.has("boundaries")) return [];
  const levels = [...new Set(data.boundaries.map(({ between }) => between[0]))].filter((name) => !(name in LETTERS));
  const some = data.boundaries.some(({ between }) => between[0] in LETTERS);
  return [
    ...(some ? [stroke("boundary between phases", { class: "boundary" })] : []),
    ...levels.map((name) => stroke(`boundary of ${spaced(name)}`, { class: "boundary level" })),
  ];
}

function doubts(data, layers) {
  if (!layers.has("uncertainty")) return [];
  const some = data.crossings.some((one) => one.steps > 1);
  const told = entry("95 % interval, as a share of the colour bar", "path", { class: "interval", d: "M4 4v6M4 7h18M22 4v6" });
  return [told, ...(some ? [stroke("cells where a boundary may run", { class: "doubt" })] : [])];
}

function suspects(data) {
  const shares = data.runs.flatMap((line, i) => line.map((_, j) => suspectShare(data, i, j))).filter((share) => share > 0);
  const found = [];
  if (shares.some((share) => !isHatched(share))) found.push(entry("some attacks not trusted", "path", { class: "suspect corner", d: "M26 0h-12l12 12z" }));
  if (shares.some(isHatched)) found.push(entry("half of the attacks, or more, not trusted", "path", { class: "suspect strokes", d: "M2 12L14 0M10 14L24 0M20 14L26 8" }));
  return found;
}

function blanks(data) {
  const present = new Set(data.value.flatMap((line, i) => line.map((value, j) => blankOf(data.state[i][j], value))));
  return Object.keys(BLANKS).filter((kind) => present.has(kind)).map((kind) => make("li", {}, make("i", { class: `blank ${kind}` }), BLANKS[kind]));
}

function theory(data, layers) {
  if (!layers.has("theory")) return [];
  const named = new Map(theoryOf(data).map((curve) => [curve.name, curve]));
  return [...named.values()].map(({ name, formula, style }) =>
    stroke(`theory, ${name}: ${formula}`, { class: "theory", stroke: style[0], "stroke-dasharray": style[1] }));
}
