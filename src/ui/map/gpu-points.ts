import type { Camera, PointScene, Viewport } from "./scene.ts";
import shader from "./points.wgsl?raw";

const BLEND: GPUBlendComponent = { srcFactor: "one", dstFactor: "one-minus-src-alpha" };

/** Points as instanced quads on any texture: 50,000 of them are one draw. */
export class GpuPoints {
  readonly #device: GPUDevice;
  readonly #pipeline: GPURenderPipeline;
  readonly #view: GPUBuffer;
  #buffers: GPUBuffer[] = [];
  #group: GPUBindGroup | null = null;
  #points = 0;

  constructor(device: GPUDevice, format: GPUTextureFormat) {
    this.#device = device;
    const module = device.createShaderModule({ code: shader, label: "points" });
    this.#pipeline = device.createRenderPipeline({
      layout: "auto",
      vertex: { module, entryPoint: "corner" },
      fragment: { module, entryPoint: "ink", targets: [{ format, blend: { color: BLEND, alpha: BLEND } }] },
      primitive: { topology: "triangle-list" },
    });
    this.#view = device.createBuffer({ size: 32, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  }

  /** Uploads a scene; the next draws show it. */
  show(scene: PointScene): void {
    for (const buffer of this.#buffers) buffer.destroy();
    this.#points = scene.colours.length;
    const style = new Uint32Array(this.#points * 2);
    for (let index = 0; index < this.#points; index++) {
      style[index * 2] = scene.colours[index]!;
      style[index * 2 + 1] = scene.shapes[index]! | (Math.round(scene.radii[index]! * 8) << 8);
    }
    this.#buffers = [scene.before, scene.after, style].map((values) => this.#storage(values));
    const entries = [this.#view, ...this.#buffers].map((buffer, binding) => ({
      binding,
      resource: { buffer },
    }));
    this.#group = this.#device.createBindGroup({ layout: this.#pipeline.getBindGroupLayout(0), entries });
  }

  /** Draws on `target`, which has `viewport` times its ratio pixels, in one submit. */
  draw(target: GPUTextureView, camera: Camera, { width, height, ratio }: Viewport, morph: number): void {
    const size = [width * ratio, height * ratio] as const;
    const view = Float32Array.of(camera.x, camera.y, camera.scale * ratio, morph, ...size, ratio, 0);
    this.#device.queue.writeBuffer(this.#view, 0, view);
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginRenderPass({
      colorAttachments: [{ view: target, loadOp: "clear", storeOp: "store" }],
    });
    if (this.#group && this.#points > 0) {
      pass.setPipeline(this.#pipeline);
      pass.setBindGroup(0, this.#group);
      pass.draw(6, this.#points);
    }
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
  }

  #storage(values: Float32Array | Uint32Array): GPUBuffer {
    const size = Math.max(16, values.byteLength);
    const buffer = this.#device.createBuffer({
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    this.#device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>);
    return buffer;
  }
}
