import { expect, test } from "vitest";
import { interruptible } from "../../../src/app/jobs/interruptible-backend.ts";
import type { Backend, Executable } from "../../../src/engine/backend.ts";

/** A backend that counts how often it was waited for. */
function counting(): { readonly backend: Backend; readonly waits: () => number } {
  let waits = 0;
  const executable = {
    latest: {},
    log: () => Promise.resolve([{ loss: ++waits }]),
    settle: () => Promise.resolve(void waits++),
    read: () => Promise.resolve(Float32Array.of(++waits)),
  } as unknown as Executable;
  const backend = {
    ...({
      kind: "cpu",
      label: "a test",
      build: "",
      software: false,
      halfStorage: false,
      bindingBytes: 1,
    } as const),
    prepare: () => Promise.resolve(executable),
    dispose: () => undefined,
  };
  return { backend, waits: () => waits };
}

test("what nobody may stop is the backend itself", () => {
  const { backend } = counting();
  expect(interruptible(backend, undefined)).toBe(backend);
});

test("computing goes on as before until the signal fires, then stops at the next wait", async () => {
  const { backend, waits } = counting();
  const stop = new AbortController();
  const plan = {} as Parameters<Backend["prepare"]>[0];
  const watched = interruptible(backend, stop.signal);
  const executable = await watched.prepare(plan);
  expect(await executable.log()).toEqual([{ loss: 1 }]);
  expect(await executable.read("w")).toEqual(Float32Array.of(2));
  stop.abort();
  await expect(executable.settle()).rejects.toMatchObject({ code: "cancelled" });
  await expect(executable.log()).rejects.toMatchObject({ code: "cancelled" });
  await expect(watched.prepare(plan)).rejects.toMatchObject({ code: "cancelled" });
  expect(waits()).toBe(2);
});

test("a signal that comes as a message is heard between two waits", async () => {
  const { backend, waits } = counting();
  const stop = new AbortController();
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => stop.abort();
  const executable = await interruptible(backend, stop.signal).prepare({} as never);
  port2.postMessage("cancel");
  const steps = async (): Promise<void> => {
    for (let step = 0; step < 1000; step++) await executable.settle();
  };
  await expect(steps()).rejects.toMatchObject({ code: "cancelled" });
  expect(waits()).toBeLessThan(1000);
  port1.close();
});
