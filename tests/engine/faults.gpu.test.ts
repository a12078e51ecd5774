import { expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openWebGpu, type WebGpuOptions } from "../../src/engine/backends/webgpu.ts";
import { compile } from "../../src/engine/compile.ts";
import { scaleBy } from "../../src/engine/ops/elementwise.ts";
import { mean } from "../../src/engine/ops/reductions.ts";
import { compileStep } from "./adapter-step.ts";
import { dawn } from "./dawn.ts";
import { randomValues } from "./fixtures.ts";

/** A backend whose device the test holds, to break it on purpose. */
async function openBreakable(
  options: WebGpuOptions = {},
  change: (device: GPUDevice) => void = () => undefined,
): Promise<{ backend: Backend; device: GPUDevice }> {
  const gpu = await dawn();
  let device: GPUDevice | undefined;
  const watched = {
    async requestAdapter(request?: GPURequestAdapterOptions) {
      const adapter = (await gpu.requestAdapter(request))!;
      return {
        ...{ info: adapter.info, limits: adapter.limits, features: adapter.features },
        async requestDevice(descriptor?: GPUDeviceDescriptor) {
          device = await adapter.requestDevice(descriptor);
          change(device);
          return device;
        },
      };
    },
  } as unknown as GPU;
  const backend = await openWebGpu(watched, options);
  return { backend, device: device! };
}

async function smallStep(backend: Backend) {
  const step = await compileStep(backend, { dim: 8 }, { rows: 4, batch: 4, scale: 20 });
  step.write("queries", randomValues(32, 1));
  step.write("documents", randomValues(32, 2));
  step.write("linear.weight", randomValues(64, 3));
  return step;
}

const batch = Uint32Array.of(0, 1, 2, 3);

test("a lost device rejects what waits with device-lost, and refuses further steps", async () => {
  const { backend, device } = await openBreakable();
  const step = await smallStep(backend);
  step.run({ batch, learningRate: 0.1 });
  device.destroy();
  await expect(step.settle()).rejects.toMatchObject({ code: "device-lost" });
  await expect(step.read("linear.weight")).rejects.toMatchObject({ code: "device-lost" });
  expect(() => step.run({ batch, learningRate: 0.1 })).toThrow(/device was lost/);
});

test("a device that is lost between steps is noticed by the next one", async () => {
  const { backend, device } = await openBreakable();
  const step = await smallStep(backend);
  step.run({ batch, learningRate: 0.1 });
  await step.settle();
  device.destroy();
  await device.lost;
  expect(() => step.run({ batch, learningRate: 0.1 })).toThrow(/device was lost/);
  await expect(smallStep(backend)).rejects.toMatchObject({ code: "device-lost" });
});

test("a device that never answers is hung after the watchdog's time", async () => {
  const never = new Promise<undefined>(() => undefined);
  const { backend } = await openBreakable({ watchdogMs: 200 }, (device) => {
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => Object.assign(create(descriptor), { mapAsync: () => never });
  });
  const step = await smallStep(backend);
  step.run({ batch, learningRate: 0.1 });
  await expect(step.settle()).rejects.toMatchObject({ code: "hung" });
  backend.dispose();
});

test("a buffer beyond the adapter's limits is out-of-memory, with the sizes, before anything is allocated", async () => {
  const { backend } = await openBreakable();
  const huge = compile(backend, (graph) => ({
    outputs: { out: scaleBy(graph.input("x", "f32", [2 ** 20, 2048]), 2) },
  }));
  await expect(huge).rejects.toMatchObject({
    code: "out-of-memory",
    message: expect.stringContaining("8192.0 MB") as string,
  });
  await smallStep(backend); // and the backend still works
  backend.dispose();
});

test("memory that the device refuses is out-of-memory too", async () => {
  const { backend } = await openBreakable({}, (device) => {
    const pop = device.popErrorScope.bind(device);
    let scopes = 0;
    device.popErrorScope = async () => {
      const error = await pop();
      return scopes++ === 1 ? { message: "simulated" } : error;
    };
  });
  await expect(smallStep(backend)).rejects.toMatchObject({ code: "out-of-memory" });
  await smallStep(backend);
  backend.dispose();
});

test("a command that the device finds invalid surfaces when waiting, not never", async () => {
  const { backend, device } = await openBreakable();
  const step = await smallStep(backend);
  device.queue.writeBuffer(device.createBuffer({ size: 16, usage: 0x80 | 0x4 }), 0, new Uint32Array(4));
  const next = async (): Promise<void> => {
    step.run({ batch, learningRate: 0.1 });
    await step.settle();
  };
  await expect(next()).rejects.toThrow(/CopyDst/);
  backend.dispose();
});

test("a step with a gradient that is not finite changes no weight and is told", async () => {
  const { backend } = await openBreakable();
  const step = await smallStep(backend);
  step.run({ batch, learningRate: 0.1 });
  await step.settle();
  const [weights, moments] = [await step.read("linear.weight"), await step.read("linear.weight.m")];
  step.write("queries", randomValues(32, 1).fill(NaN, 3, 4));
  step.run({ batch, learningRate: 0.1 });
  await expect(step.settle()).rejects.toMatchObject({ code: "not-finite" });
  expect(await step.read("linear.weight")).toEqual(weights);
  expect(await step.read("linear.weight.m")).toEqual(moments);
  backend.dispose();
});

test("no adapter is no-webgpu, with what to do", async () => {
  const none = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
  await expect(openWebGpu(none)).rejects.toMatchObject({ code: "no-webgpu" });
});

test("the log holds every step, whenever it is asked for", async () => {
  const { backend } = await openBreakable();
  const step = await compile(backend, (graph) => ({ log: { mean: mean(graph.input("x", "f32", [4])) } }));
  for (let index = 0; index < 600; index++) step.run({ x: new Float32Array(4).fill(index) });
  const rows = await step.log();
  expect(rows.map((row) => row["mean"])).toEqual(Array.from({ length: 600 }, (_, index) => index));
  expect(step.latest["mean"]).toBe(599);
  expect(await step.log()).toEqual([]);
  backend.dispose();
});

test("a stored kernel build opens with its tiles, a foreign one is refused by name", async () => {
  const { backend } = await openBreakable({ tiles: "wgsl nt=4x8 nn=tiled32 tn=8x8" });
  expect(backend.build).toBe("wgsl nt=4x8 nn=tiled32 tn=8x8");
  backend.dispose();
  await expect(openBreakable({ tiles: "wasm-simd" })).rejects.toThrow(/kernel build "wasm-simd"/);
});
