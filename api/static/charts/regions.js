// Regions of a grid: cells of equal phase that touch, and where to write on them (api/pictures/regions.py).

const ASIDE = [[1, 0], [-1, 0], [0, 1], [0, -1]];
const AROUND = [-1, 0, 1].flatMap((i) => [-1, 0, 1].map((j) => [i, j]));
const name = ([row, column]) => `${row} ${column}`;

// Regions as lists of [row, column]; cells without a label are in none.
export function regions(labels) {
  const seen = new Set();
  const found = [];
  labels.forEach((line, row) => line.forEach((label, column) => {
    if (label !== null && !seen.has(name([row, column]))) found.push(grown(labels, [row, column], seen));
  }));
  return found;
}

function grown(labels, start, seen) {
  seen.add(name(start));
  const region = [start];
  for (const [row, column] of region) {
    for (const [i, j] of ASIDE) {
      const near = [row + i, column + j];
      if (labels[near[0]]?.[near[1]] === labels[row][column] && !seen.has(name(near))) {
        seen.add(name(near));
        region.push(near);
      }
    }
  }
  return region;
}

// The cell deepest inside a region, the nearest to its mean of several.
export function middle(region) {
  const mean = [0, 1].map((i) => region.reduce((sum, cell) => sum + cell[i], 0) / region.length);
  let left = region;
  for (;;) {
    const known = new Set(left.map(name));
    const inner = left.filter(([row, column]) => AROUND.every(([i, j]) => known.has(name([row + i, column + j]))));
    if (!inner.length) break;
    left = inner;
  }
  const far = ([row, column]) => Math.hypot(row - mean[0], column - mean[1]);
  return left.reduce((best, cell) => (far(cell) < far(best) ? cell : best));
}
