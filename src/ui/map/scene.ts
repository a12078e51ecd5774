import type { MapView } from "../../app/studio-map.ts";

/** How a point is drawn: shape and size tell its kind where colours cannot be told apart. */
export const SHAPES = ["square", "disc", "diamond"] as const;

/** What a renderer draws, in parallel columns; later points lie on top. */
export interface PointScene {
  readonly before: Float32Array; // [n, 2] in map units
  readonly after: Float32Array; // [n, 2]; the same array where nothing moved
  readonly colours: Uint32Array; // RGBA, red in the lowest byte; alpha 0 hides the point
  readonly shapes: Uint8Array; // positions in SHAPES
  readonly radii: Float32Array; // CSS pixels
}

/** What part of the map is seen: its middle, and CSS pixels per map unit. */
export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Viewport {
  readonly width: number; // CSS pixels
  readonly height: number;
  readonly ratio: number; // device pixels per CSS pixel
}

/** Draws scenes on one canvas. `morph` goes from 0 (before) to 1 (after). */
export interface PointRenderer {
  readonly name: "webgpu" | "canvas";
  /** Takes a scene over; the next frames show it. */
  show(scene: PointScene): void;
  frame(camera: Camera, viewport: Viewport, morph: number): void;
  close(): void;
}

const MARGIN = 28; // CSS pixels around the outermost points

/** The camera that sees all points, before and after. */
export function wholeMap({ before, after }: Pick<MapView, "before" | "after">, view: Viewport): Camera {
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const places of after ? [before, after] : [before]) {
    for (let at = 0; at < places.length; at += 2) {
      left = Math.min(left, places[at]!);
      right = Math.max(right, places[at]!);
      bottom = Math.min(bottom, places[at + 1]!);
      top = Math.max(top, places[at + 1]!);
    }
  }
  if (!(right >= left)) return { x: 0, y: 0, scale: 1 };
  const across = Math.max(right - left, 1e-6);
  const high = Math.max(top - bottom, 1e-6);
  const scale = Math.min((view.width - 2 * MARGIN) / across, (view.height - 2 * MARGIN) / high);
  return { x: (left + right) / 2, y: (bottom + top) / 2, scale: Math.max(scale, 1e-6) };
}

/** Where a point lies on the canvas, in CSS pixels; y goes down there and up on the map. */
export function onCanvas(
  scene: Pick<PointScene, "before" | "after">,
  index: number,
  morph: number,
  camera: Camera,
  { width, height }: Viewport,
): readonly [number, number] {
  const { before, after } = scene;
  const x = before[index * 2]! * (1 - morph) + after[index * 2]! * morph;
  const y = before[index * 2 + 1]! * (1 - morph) + after[index * 2 + 1]! * morph;
  return [width / 2 + (x - camera.x) * camera.scale, height / 2 - (y - camera.y) * camera.scale];
}

/** The visible point nearest to a place on the canvas within `reach` CSS pixels; questions win over passages. */
export function pointAt(
  scene: PointScene,
  [left, top]: readonly [number, number],
  morph: number,
  camera: Camera,
  view: Viewport,
  reach = 12,
): number | null {
  let best: number | null = null;
  let nearest = reach;
  for (let index = 0; index < scene.colours.length; index++) {
    if (scene.colours[index]! >>> 24 === 0) continue;
    const [x, y] = onCanvas(scene, index, morph, camera, view);
    const distance = Math.hypot(x - left, y - top) - scene.radii[index]!;
    if (distance > nearest) continue;
    nearest = distance;
    best = index;
  }
  return best;
}

/** The camera after zooming by `factor` around a place of the canvas, which stays where it is. */
export function zoomed(
  camera: Camera,
  factor: number,
  [left, top]: readonly [number, number],
  { width, height }: Viewport,
): Camera {
  const [dx, dy] = [(left - width / 2) / camera.scale, (height / 2 - top) / camera.scale];
  return {
    x: camera.x + dx * (1 - 1 / factor),
    y: camera.y + dy * (1 - 1 / factor),
    scale: camera.scale * factor,
  };
}

/** The `count` visible points nearest to a point on the map, nearest first, without itself. */
export function neighboursOf(
  scene: PointScene,
  index: number,
  morph: number,
  count: number,
): readonly number[] {
  const unit = { x: 0, y: 0, scale: 1 };
  const view = { width: 0, height: 0, ratio: 1 };
  const [x, y] = onCanvas(scene, index, morph, unit, view);
  const found: { index: number; distance: number }[] = [];
  for (let other = 0; other < scene.colours.length; other++) {
    if (other === index || scene.colours[other]! >>> 24 === 0) continue;
    const [ox, oy] = onCanvas(scene, other, morph, unit, view);
    const distance = (ox - x) ** 2 + (oy - y) ** 2;
    if (found.length === count && distance >= found[count - 1]!.distance) continue;
    found.push({ index: other, distance });
    found.sort((a, b) => a.distance - b.distance);
    if (found.length > count) found.pop();
  }
  return found.map((each) => each.index);
}
