// The cosine matrix of a run: centres against neurons, its values under the pointer.

import { make } from "./html.js";
import { Tip } from "./tip.js";

const d3 = globalThis.d3;
const CELL = { least: 5, most: 22 };
const EDGE = 16;

// Draw a matrix [centres][neurons] into a place of its own.
export function drawCosines(place, { cosines }, title) {
  const [rows, columns] = [cosines.length, cosines[0]?.length ?? 0];
  const cell = Math.max(CELL.least, Math.min(CELL.most, 220 / Math.max(rows, columns)));
  const svg = d3.create("svg").attr("class", "matrix").attr("role", "img").attr("aria-label", `${title}: cosines of ${rows} centres and ${columns} neurons`)
    .attr("width", columns * cell + EDGE).attr("height", rows * cell + EDGE);
  const inside = svg.append("g").attr("transform", `translate(${EDGE},0)`);
  inside.selectAll("rect").data(cosines.flatMap((line, i) => line.map((value, j) => ({ i, j, value })))).join("rect")
    .attr("x", ({ j }) => j * cell).attr("y", ({ i }) => i * cell).attr("width", cell).attr("height", cell)
    .attr("fill", ({ value }) => (value === null ? null : d3.interpolateRdBu((1 - value) / 2)));
  svg.append("text").attr("class", "title").attr("transform", `translate(11,${(rows * cell) / 2}) rotate(-90)`).attr("text-anchor", "middle").text("centre");
  svg.append("text").attr("class", "title").attr("x", EDGE + (columns * cell) / 2).attr("y", rows * cell + 13).attr("text-anchor", "middle").text("neuron");
  place.append(make("p", { class: "of" }, title), svg.node());
  const tip = new Tip(place);
  inside.node().addEventListener("pointerover", ({ target }) => {
    const { i, j, value } = target.__data__ ?? {};
    if (i !== undefined) tip.show(EDGE + (j + 1) * cell, svg.node().offsetTop + i * cell, `centre ${i + 1}, neuron ${j + 1}`, [`cos = ${value === null ? "—" : value.toFixed(3)}`]);
  });
  inside.node().addEventListener("pointerleave", () => tip.hide());
}
