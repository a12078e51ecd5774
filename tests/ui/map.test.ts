import { expect, test } from "vitest";
import { MAP_KINDS } from "../../src/app/studio-map.ts";
import { mapScene, matching, packColour, type MapLook } from "../../src/ui/map/map-scene.ts";
import { map } from "../../src/ui/messages/map.ts";
import { neighboursOf, onCanvas, pointAt, wholeMap, zoomed } from "../../src/ui/map/scene.ts";
import { maskOf } from "../../src/ui/map/splat-renderer.ts";
import { fakeMap } from "./fake-maps.ts";

const view = fakeMap({ runId: "r1", method: "pca" });
const viewport = { width: 600, height: 400, ratio: 1 };
const inks = { passage: 1, train: 2, test: 3, won: 4, lost: 5, same: 6, documents: [7, 8, 9] };
const visible = Object.fromEntries(
  Object.entries(inks).map(([name, ink]) => [
    name,
    Array.isArray(ink) ? ink.map((i) => i + 0xff000000) : ink + 0xff000000,
  ]),
) as unknown as typeof inks;
const look: MapLook = {
  shown: new Set(MAP_KINDS),
  colouring: "kind",
  outcomes: new Map(),
  words: "",
  inks: visible,
};

test("the whole map is seen, with a margin, before and after", () => {
  const scene = mapScene(view, look);
  const camera = wholeMap(view, viewport);
  for (const morph of [0, 1]) {
    for (let index = 0; index < view.ids.length; index++) {
      const [x, y] = onCanvas(scene, index, morph, camera, viewport);
      expect(x).toBeGreaterThanOrEqual(20);
      expect(x).toBeLessThanOrEqual(580);
      expect(y).toBeGreaterThanOrEqual(20);
      expect(y).toBeLessThanOrEqual(380);
    }
  }
});

test("zooming keeps the place under the pointer", () => {
  const scene = mapScene(view, look);
  const camera = wholeMap(view, viewport);
  const place = onCanvas(scene, 7, 0, camera, viewport);
  const [x, y] = onCanvas(scene, 7, 0, zoomed(camera, 3, place, viewport), viewport);
  expect(x).toBeCloseTo(place[0], 4);
  expect(y).toBeCloseTo(place[1], 4);
});

test("the point under the pointer is found, and a hidden one is not", () => {
  const camera = wholeMap(view, viewport);
  const scene = mapScene(view, look);
  const place = onCanvas(scene, 200, 1, camera, viewport);
  const found = pointAt(scene, place, 1, camera, viewport)!;
  const [x, y] = onCanvas(scene, found, 1, camera, viewport);
  expect(Math.hypot(x - place[0], y - place[1])).toBeLessThan(6);
  const none = mapScene(view, { ...look, shown: new Set() });
  expect(pointAt(none, place, 1, camera, viewport)).toBeNull();
});

test("colours follow what is asked for: kind, result, document, and words hide the rest", () => {
  const test = view.kinds.findIndex((kind) => MAP_KINDS[kind] === "test");
  expect(mapScene(view, look).colours[test]).toBe(visible.test);
  const outcomes = new Map([[view.ids[test]!, "lost" as const]]);
  expect(mapScene(view, { ...look, colouring: "result", outcomes }).colours[test]).toBe(visible.lost);
  const byDocument = mapScene(view, { ...look, colouring: "document" });
  expect(visible.documents).toContain(byDocument.colours[0]);
  const words = view.labels[test]!;
  const sought = mapScene(view, { ...look, words });
  expect(sought.colours[test]).toBe(visible.test);
  expect([...sought.colours].filter((colour) => colour !== 0)).toHaveLength(matching(view, words)!.size);
});

test("neighbours come nearest first, without the point itself", () => {
  const scene = mapScene(view, look);
  const near = neighboursOf(scene, 3, 0, 5);
  expect(near).toHaveLength(5);
  expect(near).not.toContain(3);
  const far = (index: number): number =>
    Math.hypot(view.before[index * 2]! - view.before[6]!, view.before[index * 2 + 1]! - view.before[7]!);
  const all = view.ids.map((_, index) => index).filter((index) => index !== 3);
  expect(near.map(far)).toEqual(
    all
      .map(far)
      .sort((a, b) => a - b)
      .slice(0, 5),
  );
});

test("shapes differ in their corners, and colours are packed red first", () => {
  const has = (shape: number, dx: number, dy: number): boolean =>
    maskOf(shape, 4).some(([x, y]) => x === dx && y === dy);
  expect([has(0, 0, 4), has(1, 0, 4), has(2, 0, 5)]).toEqual([false, true, true]);
  expect([has(0, 2, 2), has(1, 2, 2), has(2, 3, 3)]).toEqual([true, true, false]);
  expect(packColour("rgb(11, 92, 132)")).toBe(0xff845c0b);
  expect(packColour("rgba(11, 92, 132, 0.5)") >>> 24).toBe(128);
});

test("a number of texts is said once", () => {
  expect(map.found(1)).toBe("1 text");
  expect(map.found(1200)).toBe("1,200 texts");
  expect(map.leftOut(2)).toBe("2 texts are not drawn: too many, or without vectors.");
});
