// Points written straight into the pixels of an image: one mask a shape and size, no drawing call a point. It needs no
// GPU, and on a software adapter it is the faster of the two.
import { onCanvas, type Camera, type PointRenderer, type PointScene, type Viewport } from "./scene.ts";

type Mask = readonly (readonly [dx: number, dy: number])[];

export class SplatRenderer implements PointRenderer {
  readonly name = "canvas";
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #masks = new Map<string, Mask>();
  #scene: PointScene | null = null;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d")!;
  }

  show(scene: PointScene): void {
    this.#scene = scene;
  }

  frame(camera: Camera, viewport: Viewport, morph: number): void {
    const width = Math.max(1, Math.round(viewport.width * viewport.ratio));
    const height = Math.max(1, Math.round(viewport.height * viewport.ratio));
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    const image = this.#context.createImageData(width, height);
    if (this.#scene)
      this.#splat(this.#scene, new Uint32Array(image.data.buffer), width, camera, viewport, morph);
    this.#context.putImageData(image, 0, 0);
  }

  close(): void {
    this.#scene = null;
  }

  #splat(
    scene: PointScene,
    pixels: Uint32Array,
    width: number,
    camera: Camera,
    viewport: Viewport,
    morph: number,
  ): void {
    const height = pixels.length / width;
    for (let index = 0; index < scene.colours.length; index++) {
      const colour = scene.colours[index]!;
      if (colour >>> 24 === 0) continue;
      const [left, top] = onCanvas(scene, index, morph, camera, viewport);
      const x = Math.round(left * viewport.ratio);
      const y = Math.round(top * viewport.ratio);
      for (const [dx, dy] of this.#mask(scene.shapes[index]!, scene.radii[index]! * viewport.ratio)) {
        const [px, py] = [x + dx, y + dy];
        if (px >= 0 && px < width && py >= 0 && py < height) pixels[py * width + px] = colour;
      }
    }
  }

  #mask(shape: number, radius: number): Mask {
    const key = `${shape} ${radius}`;
    const known = this.#masks.get(key);
    if (known) return known;
    const made = maskOf(shape, radius);
    this.#masks.set(key, made);
    return made;
  }
}

/** The pixels of a shape around its middle: a square inscribed in the circle, a disc, or a diamond around it. */
export function maskOf(shape: number, radius: number): Mask {
  const reach = Math.ceil(radius * 1.25);
  const offsets: [number, number][] = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) if (covers(shape, dx, dy, radius)) offsets.push([dx, dy]);
  }
  return offsets;
}

function covers(shape: number, dx: number, dy: number, radius: number): boolean {
  if (shape === 0) return Math.max(Math.abs(dx), Math.abs(dy)) <= radius * 0.71;
  if (shape === 1) return Math.hypot(dx, dy) <= radius;
  return Math.abs(dx) + Math.abs(dy) <= radius * 1.25;
}
