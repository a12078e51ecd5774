import { GpuPoints } from "./gpu-points.ts";
import type { Camera, PointRenderer, PointScene, Viewport } from "./scene.ts";

/** The map on a WebGPU canvas. */
export class GpuRenderer implements PointRenderer {
  readonly name = "webgpu";
  readonly #device: GPUDevice;
  readonly #context: GPUCanvasContext;
  readonly #canvas: HTMLCanvasElement;
  readonly #points: GpuPoints;

  /** null where there is no adapter. One that computes on the CPU is slower than SplatRenderer: do not ask for it. */
  static async open(canvas: HTMLCanvasElement): Promise<GpuRenderer | null> {
    const adapter = await (navigator.gpu as GPU | undefined)?.requestAdapter();
    if (!adapter) return null;
    const device = await adapter.requestDevice();
    const context = canvas.getContext("webgpu");
    return context ? new GpuRenderer(canvas, context, device) : null;
  }

  private constructor(canvas: HTMLCanvasElement, context: GPUCanvasContext, device: GPUDevice) {
    this.#canvas = canvas;
    this.#context = context;
    this.#device = device;
    const format = navigator.gpu.getPreferredCanvasFormat();
    context.configure({ device, format, alphaMode: "premultiplied" });
    this.#points = new GpuPoints(device, format);
  }

  show(scene: PointScene): void {
    this.#points.show(scene);
  }

  frame(camera: Camera, viewport: Viewport, morph: number): void {
    const width = Math.max(1, Math.round(viewport.width * viewport.ratio));
    const height = Math.max(1, Math.round(viewport.height * viewport.ratio));
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    this.#points.draw(this.#context.getCurrentTexture().createView(), camera, viewport, morph);
  }

  close(): void {
    this.#device.destroy();
  }
}
