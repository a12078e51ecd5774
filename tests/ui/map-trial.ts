import { CounterRandom } from "../../src/domain/random.ts";
import { GpuRenderer } from "../../src/ui/map/gpu-renderer.ts";
import { onCanvas, wholeMap, type PointScene, type Viewport } from "../../src/ui/map/scene.ts";
import { SplatRenderer } from "../../src/ui/map/splat-renderer.ts";

// Both renderers of the map over made-up points: for the test that compares them and the bench that times them.

export interface Drawn {
  readonly covered: number; // pixels with ink
  readonly centres: readonly (readonly [number, number, number, number])[]; // RGBA at the middle of every point
}

export interface Frames {
  readonly name: string;
  readonly points: number;
  readonly milliseconds: readonly number[]; // each frame, until it is finished
}

declare global {
  interface Window {
    draw: (renderer: "webgpu" | "canvas", points: number) => Promise<Drawn | null>;
    time: (renderer: "webgpu" | "canvas", points: number, frames: number) => Promise<Frames | null>;
  }
}

const VIEW: Viewport = { width: 900, height: 560, ratio: 1 };
const INKS = [0xff845c0b, 0xff0a43a3, 0xff4f7d2e];

function trialScene(points: number): PointScene {
  const random = new CounterRandom(5);
  const places = (): Float32Array =>
    Float32Array.from({ length: points * 2 }, () => random.uniform() * 2 - 1);
  const every = <Value>(value: (index: number) => Value): Value[] =>
    Array.from({ length: points }, (_, index) => value(index));
  return {
    before: places(),
    after: places(),
    colours: Uint32Array.from(every((index) => INKS[index % 3]!)),
    shapes: Uint8Array.from(every((index) => index % 3)),
    radii: Float32Array.from(every((index) => [2.5, 3, 4.5][index % 3]!)),
  };
}

async function open(name: "webgpu" | "canvas"): Promise<GpuRenderer | SplatRenderer | null> {
  const canvas = document.createElement("canvas");
  document.querySelector("#stage")!.replaceChildren(canvas);
  return name === "webgpu" ? GpuRenderer.open(canvas, true) : new SplatRenderer(canvas);
}

window.draw = async (name, points) => {
  const renderer = await open(name);
  if (!renderer) return null;
  const scene = trialScene(points);
  const camera = wholeMap(scene, VIEW);
  renderer.show(scene);
  renderer.frame(camera, VIEW, 0.25);
  const copy = new OffscreenCanvas(VIEW.width, VIEW.height).getContext("2d")!;
  copy.drawImage(document.querySelector("canvas")!, 0, 0);
  const { data } = copy.getImageData(0, 0, VIEW.width, VIEW.height);
  let covered = 0;
  for (let at = 3; at < data.length; at += 4) covered += data[at]! > 127 ? 1 : 0;
  const centres = Array.from({ length: points }, (_, index) => {
    const [x, y] = onCanvas(scene, index, 0.25, camera, VIEW);
    const at = 4 * (Math.round(y) * VIEW.width + Math.round(x));
    return [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!] as const;
  });
  renderer.close();
  return { covered, centres };
};

window.time = async (name, points, frames) => {
  const renderer = await open(name);
  if (!renderer) return null;
  const scene = trialScene(points);
  const camera = wholeMap(scene, VIEW);
  renderer.show(scene);
  const milliseconds: number[] = [];
  for (let frame = 0; frame < frames; frame++) {
    const started = performance.now();
    renderer.frame(camera, VIEW, frame / frames);
    if (renderer instanceof GpuRenderer) await renderer.idle();
    milliseconds.push(performance.now() - started);
  }
  renderer.close();
  return { name, points, milliseconds };
};
