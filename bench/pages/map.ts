import { CounterRandom } from "../../src/domain/random.ts";
import { GpuPoints } from "../../src/ui/map/gpu-points.ts";
import { onCanvas, wholeMap, type Camera, type PointScene, type Viewport } from "../../src/ui/map/scene.ts";
import { SplatRenderer } from "../../src/ui/map/splat-renderer.ts";

// Both renderers of the map over made-up points: for the test that compares them and the bench that times them.

export interface Drawn {
  readonly covered: number; // pixels with ink
  readonly centres: readonly (readonly [number, number, number, number])[]; // RGBA at the middle of every point
}

export type RendererName = "webgpu" | "canvas";

const VIEW: Viewport = { width: 896, height: 560, ratio: 1 };
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

/** A renderer with a target of its own: software adapters cannot be trusted to present a WebGPU canvas. */
interface Trial {
  frame(morph: number): Promise<void>; // until it is finished
  pixels(): Promise<Uint8ClampedArray>; // RGBA
}

async function gpuTrial(scene: PointScene, camera: Camera): Promise<Trial | null> {
  const adapter = await (navigator.gpu as GPU | undefined)?.requestAdapter();
  if (!adapter) return null;
  const device = await adapter.requestDevice();
  const points = new GpuPoints(device, "rgba8unorm");
  points.show(scene);
  const usage = GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.COPY_SRC;
  const texture = device.createTexture({ size: [VIEW.width, VIEW.height], format: "rgba8unorm", usage });
  const frame = async (morph: number): Promise<void> => {
    points.draw(texture.createView(), camera, VIEW, morph);
    await device.queue.onSubmittedWorkDone();
  };
  const pixels = async (): Promise<Uint8ClampedArray> => {
    const bytesPerRow = 4 * VIEW.width;
    const size = bytesPerRow * VIEW.height;
    const buffer = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
    const encoder = device.createCommandEncoder();
    encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [VIEW.width, VIEW.height]);
    device.queue.submit([encoder.finish()]);
    await buffer.mapAsync(GPUMapMode.READ);
    return new Uint8ClampedArray(buffer.getMappedRange().slice(0));
  };
  return { frame, pixels };
}

function canvasTrial(scene: PointScene, camera: Camera): Trial {
  const canvas = document.createElement("canvas");
  document.body.append(canvas);
  const renderer = new SplatRenderer(canvas);
  renderer.show(scene);
  return {
    frame: (morph) => Promise.resolve(renderer.frame(camera, VIEW, morph)),
    pixels: () => Promise.resolve(canvas.getContext("2d")!.getImageData(0, 0, VIEW.width, VIEW.height).data),
  };
}

function open(name: RendererName, scene: PointScene): Promise<Trial | null> {
  const camera = wholeMap(scene, VIEW);
  return name === "webgpu" ? gpuTrial(scene, camera) : Promise.resolve(canvasTrial(scene, camera));
}

/** Draws a scene once and reads it back; null where the renderer cannot be had. */
export async function draw(name: RendererName, points: number): Promise<Drawn | null> {
  const scene = trialScene(points);
  const trial = await open(name, scene);
  if (!trial) return null;
  await trial.frame(0.25);
  const data = await trial.pixels();
  let covered = 0;
  for (let at = 3; at < data.length; at += 4) covered += data[at]! > 127 ? 1 : 0;
  const camera = wholeMap(scene, VIEW);
  const centres = Array.from({ length: points }, (_, index) => {
    const [x, y] = onCanvas(scene, index, 0.25, camera, VIEW);
    const at = 4 * (Math.round(y) * VIEW.width + Math.round(x));
    return [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!] as const;
  });
  return { covered, centres };
}

/** Work for the bench: `count` frames while the points move. */
export async function frames(options: {
  readonly renderer: RendererName;
  readonly points: number;
}): Promise<(count: number) => Promise<number>> {
  const trial = await open(options.renderer, trialScene(options.points));
  if (!trial) throw new Error(`no ${options.renderer} here`);
  return async (count) => {
    for (let frame = 0; frame < count; frame++) await trial.frame(frame / count);
    return count;
  };
}
