// Cells without a value: each kind of them looks its own way (api/pictures/blanks.py). Colours are in charts.css.

export const BLANKS = {
  undefined: "measured, but undefined",
  inferred: "inferred between cells that agree",
  pending: "pending",
  failed: "failed",
  impossible: "impossible, left out",
  nowhere: "in no experiment",
};
const SIZE = 8;
const DRAWN = {
  undefined: "",
  inferred: "",
  pending: "M4 4m-1 0a1 1 0 1 0 2 0a1 1 0 1 0 -2 0",
  failed: "M0 0L8 8M8 0L0 8",
  impossible: "M-2 6L2 10M0 0L8 8M6 -2L10 2",
  nowhere: "",
  suspect: "M-2 2L2 -2M0 8L8 0M6 10L10 6",
};

// Which kind of blank a cell is; null where it has a value.
export function blankOf(state, value) {
  if (value !== null) return null;
  return state === "measured" ? "undefined" : (state ?? "nowhere");
}

// The patterns that fill them, and the one that lies over cells whose runs are not trusted, under ids `prefix-kind`.
export function definePatterns(defs, prefix) {
  for (const [kind, path] of Object.entries(DRAWN)) {
    const pattern = defs.append("pattern").attr("id", `${prefix}-${kind}`).attr("class", `blank ${kind}`)
      .attr("width", SIZE).attr("height", SIZE).attr("patternUnits", "userSpaceOnUse");
    pattern.append("rect").attr("width", SIZE).attr("height", SIZE);
    pattern.append("path").attr("d", path);
  }
}
