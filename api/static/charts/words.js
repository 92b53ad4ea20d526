// Values, numbers and cells in words, as the pictures of the server have them (api/pictures/style.py).

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const STATES = {
  pending: "no result yet",
  failed: "all of its runs failed",
  impossible: "impossible, left out",
  inferred: "inferred between cells that agree",
  null: "in no experiment",
};

export function words(value) {
  if (value === null || value === undefined) return "—";
  if (typeof value !== "number") return String(value);
  const text = String(Number(value.toPrecision(4)));
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e5)) return text;
  const [factor, exponent] = value.toExponential(3).split("e");
  const power = "10" + [...String(Number(exponent))].map((sign) => RAISED[sign]).join("");
  return Number(factor) === 1 ? power : `${Number(factor)}·${power}`;
}

export const spaced = (name) => String(name).replaceAll("_", " ");

export const percent = (share) => `${Math.round(100 * share)} %`;

// A number and its interval, where it has one.
export function withInterval(value, low, high) {
  return words(value) + (low === null || low === undefined ? "" : ` (${words(low)} to ${words(high)})`);
}

// The columns of the cell at `index`, of matrices [y][x] or of lists along x.
export const cellAt = (lists, ...index) => (name) => index.reduce((found, i) => found[i], lists[name]);

// What there is to say of a cell, in lines: `of(name)` is a column of it.
export function cellLines(of, measure, statistic) {
  const state = of("state");
  const failed = of("failed") ? [`${of("failed")} failed`] : [];
  if (state !== "measured") return [STATES[state], ...phaseLine(of), ...failed];
  const interval = statistic === "mean" ? [of("ci_low"), of("ci_high")] : [];
  const value = of("value") === null ? "undefined in all of its runs" : withInterval(of("value"), ...interval);
  const shared = of("runs") === of("n") ? "" : ` of ${of("runs")} runs`;
  const lines = [`${statistic === "mean" ? "" : statistic + " of "}${spaced(measure)}: ${value}`, `n = ${of("n")}${shared}`];
  if (of("suspect")) lines.push(`${of("suspect")} of ${of("runs")} runs not trusted`);
  return [...lines, ...phaseLine(of), ...failed];
}

function phaseLine(of) {
  if (of("phase") === null) return [];
  const share = of("phase_share");
  return [`phase: ${spaced(of("phase"))}` + (share === null ? "" : `, of ${percent(share)} of the runs`)];
}

// A group of lines or curves.
export function groupName(group) {
  return Object.entries(group).map(([path, value]) => `${path} = ${words(value)}`).join(", ");
}

// A condition of the api: `path=value`.
export const condition = (path, value) => `${path}=${value === null ? "null" : value}`;
