import { expect, test } from "vitest";
import type { Backend } from "../../src/engine/backend.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { summaryOf } from "../../src/engine/plan.ts";
import { chooseBackend, probe } from "../../src/engine/choose.ts";

/** A backend that computes nothing and takes as long as it is told. */
function stand(label: string, msPerStep: number, software = false): Backend & { disposed: boolean } {
  const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, msPerStep));
  return {
    ...{
      kind: "webgpu",
      label,
      build: label,
      software,
      halfStorage: false,
      bindingBytes: 1,
      disposed: false,
    },
    prepare: (plan) =>
      Promise.resolve({
        plan: summaryOf(plan),
        ...{ layout: plan.layout, latest: {} },
        ...{ leaf: () => undefined, write: () => undefined, run: () => undefined, dispose: () => undefined },
        read: () => Promise.resolve(new Float32Array()),
        log: () => Promise.resolve([]),
        settle: wait,
      }),
    dispose() {
      this.disposed = true;
    },
  };
}

test("a software adapter is refused without a probe, and closed", async () => {
  const [gpu, cpu] = [stand("SwiftShader", 0, true), stand("WASM SIMD", 1)];
  const choice = await chooseBackend({ webGpu: () => Promise.resolve(gpu), cpu: () => Promise.resolve(cpu) });
  expect(choice.backend).toBe(cpu);
  expect(choice.reason).toContain("SwiftShader draws on the CPU");
  expect(gpu.disposed).toBe(true);
});

test("between hardware and CPU the faster step wins, and the other is closed", async () => {
  for (const [gpuMs, cpuMs] of [
    [1, 60],
    [60, 1],
  ] as const) {
    const [gpu, cpu] = [stand("GPU", gpuMs), stand("CPU", cpuMs)];
    const choice = await chooseBackend({
      webGpu: () => Promise.resolve(gpu),
      cpu: () => Promise.resolve(cpu),
    });
    expect(choice.backend).toBe(gpuMs < cpuMs ? gpu : cpu);
    expect([gpu.disposed, cpu.disposed]).toEqual([gpuMs > cpuMs, cpuMs > gpuMs]);
    expect(choice.considered.map(({ label }) => label)).toEqual(["GPU", "CPU"]);
  }
});

test("without an adapter the CPU is taken and the reason says why", async () => {
  const choice = await chooseBackend({
    webGpu: () => Promise.reject(new Error("no adapter answers")),
    cpu: () => Promise.resolve(stand("CPU", 1)),
  });
  expect(choice.reason).toContain("no adapter answers");
  expect(choice.backend.label).toBe("CPU");
});

test("a probe is a real adapter step that any backend can run", async () => {
  expect(await probe(openReference())).toBeGreaterThan(0);
});
