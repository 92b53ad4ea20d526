// The bar that says which colour stands for which value.

import { drawAxis, numberTicks } from "./axes.js";
import { colourOf, scaleOfLimits } from "./colours.js";

const d3 = globalThis.d3;
const STEPS = 32;
const WIDE = 13;

// Draw it into a group, `high` pixels high; `name` is an id for its gradient.
export function drawBar(group, limits, high, title, name) {
  const scale = scaleOfLimits(limits, [high, 0]);
  const colour = colourOf(limits);
  const gradient = group.selectAll("linearGradient").data([name]).join("linearGradient")
    .attr("id", name).attr("x1", 0).attr("x2", 0).attr("y1", 1).attr("y2", 0);
  gradient.selectAll("stop").data(d3.range(STEPS + 1)).join("stop").attr("offset", (i) => i / STEPS)
    .attr("stop-color", (i) => colour(scale.invert(high * (1 - i / STEPS))));
  group.selectAll("rect").data([name]).join("rect").attr("width", WIDE).attr("height", high).attr("fill", `url(#${name})`);
  const ticks = group.selectAll("g.ticks").data([name]).join("g").attr("class", "ticks").attr("transform", `translate(${WIDE},0)`);
  drawAxis(ticks, numberTicks(scale, 6), "right", high, title, 46);
}
