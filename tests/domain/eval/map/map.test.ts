import { expect, test } from "vitest";
import { mapPlaces } from "../../../../src/domain/eval/map/embedding-map.ts";
import { onAxes, principalAxes } from "../../../../src/domain/eval/map/principal-axes.ts";
import { inLayout, umapLayout } from "../../../../src/domain/eval/map/umap-layout.ts";
import { rowOf, type Matrix } from "../../../../src/domain/matrix.ts";
import { CounterRandom } from "../../../../src/domain/random.ts";

/** Sum of uniforms: close enough to a normal draw for planted variance. */
function draw(random: CounterRandom): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.uniform();
  return sum;
}

/** Rows with planted standard deviations along turned axes: e0+e1, e0−e1, and little elsewhere. */
function planted(rows: number, columns: number, deviations: readonly [number, number, number]): Matrix {
  const random = new CounterRandom(4);
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      values[row * columns + column] = 3 + deviations[2] * draw(random);
    const [a, b] = [deviations[0] * draw(random), deviations[1] * draw(random)];
    values[row * columns]! += (a + b) / Math.SQRT2;
    values[row * columns + 1]! += (a - b) / Math.SQRT2;
  }
  return { rows, columns, values };
}

/** Well separated groups of points. */
function groups(count: number, each: number, columns: number): Matrix {
  const random = new CounterRandom(9);
  const values = new Float32Array(count * each * columns);
  for (let row = 0; row < count * each; row++) {
    for (let column = 0; column < columns; column++) {
      values[row * columns + column] = (column === row % count ? 1 : 0) + 0.05 * draw(random);
    }
  }
  return { rows: count * each, columns, values };
}

test("the axes are the planted directions, by falling variance, with their shares", () => {
  const rows = planted(600, 12, [4, 2, 0.1]);
  const { axes, explained } = principalAxes(rows, 2);
  expect(Math.abs(axes[0]![0]! + axes[0]![1]!) / Math.SQRT2).toBeGreaterThan(0.995);
  expect(Math.abs(axes[1]![0]! - axes[1]![1]!) / Math.SQRT2).toBeGreaterThan(0.995);
  expect(explained[0]! / explained[1]!).toBeGreaterThan(3);
  expect(explained[0]! + explained[1]!).toBeGreaterThan(0.98);
});

test("coordinates on all axes keep every distance", () => {
  const rows = planted(40, 5, [3, 2, 1]);
  const places = onAxes(principalAxes(rows, 5), rows);
  const distance = (matrix: Matrix, a: number, b: number): number =>
    Math.hypot(...rowOf(matrix, a).map((value, index) => value - rowOf(matrix, b)[index]!));
  for (const [a, b] of [
    [0, 1],
    [7, 30],
    [12, 39],
  ] as const)
    expect(distance(places, a, b)).toBeCloseTo(distance(rows, a, b), 4);
});

test("a point that tuning did not move stays where it was, and one that moved does not", async () => {
  const before = planted(100, 8, [3, 2, 0.5]);
  const after = { ...before, values: before.values.slice() };
  after.values.set(rowOf(before, 1), 0);
  const { before: places, after: moved } = await mapPlaces("pca", before, after);
  expect([...moved!.subarray(2)]).toEqual([...places.subarray(2)]);
  expect([...moved!.subarray(0, 2)]).toEqual([...places.subarray(2, 4)]);
  expect([...places.subarray(0, 2)]).not.toEqual([...places.subarray(2, 4)]);
});

test("one text has no map, and says what it needs", async () => {
  await expect(mapPlaces("pca", planted(1, 4, [1, 1, 1]), null)).rejects.toMatchObject({
    code: "too-little-data",
  });
});

test("UMAP keeps groups together, is the same every time, and places later points in their group", async () => {
  const rows = groups(3, 40, 6);
  const layout = await umapLayout(rows, 0);
  expect([...(await umapLayout(rows, 0)).places.values]).toEqual([...layout.places.values]);
  const places = inLayout(layout, rows);
  expect([...places]).toEqual([...layout.places.values]);
  const centre = (group: number): [number, number] => {
    let [x, y] = [0, 0];
    for (let i = 0; i < 40; i++) {
      x += places[(i * 3 + group) * 2]! / 40;
      y += places[(i * 3 + group) * 2 + 1]! / 40;
    }
    return [x, y];
  };
  const centres = [0, 1, 2].map(centre);
  const nearestCentre = (x: number, y: number): number =>
    centres
      .map(([cx, cy]) => Math.hypot(x - cx, y - cy))
      .reduce((best, d, i, all) => (d < all[best]! ? i : best), 0);
  const right = Array.from(
    { length: 120 },
    (_, row) => nearestCentre(places[row * 2]!, places[row * 2 + 1]!) === row % 3,
  );
  expect(right.filter(Boolean).length).toBe(120);
  const later = inLayout(layout, { rows: 1, columns: 6, values: Float32Array.of(0, 0.98, 0.03, 0, 0.02, 0) });
  expect(nearestCentre(later[0]!, later[1]!)).toBe(1);
});

test("UMAP can be cancelled", async () => {
  const stop = new AbortController();
  const layout = umapLayout(groups(3, 40, 6), 0, { signal: stop.signal, onProgress: () => stop.abort() });
  await expect(layout).rejects.toMatchObject({ code: "cancelled" });
});
