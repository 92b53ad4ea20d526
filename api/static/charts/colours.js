// Colours of values and of groups, as the pictures of the server have them.

const d3 = globalThis.d3;
const NAMED = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A8A"];
export const THEORY = [["#D55E00", "8 4"], ["#CC79A7", "2 3"], ["#E69F00", "8 3 2 3"], ["#56B4E9", "10 3 2 3 2 3"]];

// The ends of the colours of some values, and whether they are logarithmic (api/pictures/diagram.py).
export function limitsOf(values, low, high) {
  if (low !== undefined && high !== undefined) return { low: Number(low), high: Number(high), log: false };
  const [least, greatest] = d3.extent(values.flat().filter((value) => value !== null));
  if (least === undefined) return { low: 0, high: 1, log: false };
  if (least > 0 && greatest / least >= 100) return { low: least, high: greatest, log: true };
  const flat = greatest - least < 1e-9 * Math.max(1, Math.abs(greatest));
  return flat ? { low: least - 0.5, high: greatest + 0.5, log: false } : { low: least, high: greatest, log: false };
}

// The scale of these limits over a range, for colours (0 to 1) or for a bar (pixels).
export function scaleOfLimits({ low, high, log }, range) {
  return (log ? d3.scaleLog() : d3.scaleLinear()).domain([low, high]).range(range).clamp(true);
}

export const colourOf = (limits) => {
  const share = scaleOfLimits(limits, [0, 1]);
  return (value) => d3.interpolateCividis(share(value));
};

// Colours for so many groups: named ones for a few, steps of a map for many.
export function colours(count) {
  if (count <= NAMED.length) return NAMED.slice(0, count);
  const [from, to] = matchMedia("(prefers-color-scheme: dark)").matches ? [0.25, 1] : [0, 0.88]; // away from the paper
  return d3.range(count).map((i) => d3.interpolateViridis(from + (i / (count - 1)) * (to - from)));
}
