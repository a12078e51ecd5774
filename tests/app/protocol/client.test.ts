import { afterEach, expect, test, vi } from "vitest";
import { Client, WorkerLost } from "../../../src/app/protocol/client.ts";
import { Host } from "../../../src/app/protocol/host.ts";
import type { Handlers } from "../../../src/app/protocol/host.ts";
import type { Channel, WorkerChannel } from "../../../src/app/protocol/messages.ts";
import { RetuneError } from "../../../src/engine/errors.ts";

interface Calculator {
  double: { params: number; result: number };
  fail: { params: null; result: never };
  crash: { params: null; result: never };
  forever: { params: null; result: never };
}

interface RunEvent {
  readonly runId: string;
}

const handlers: Handlers<Calculator> = {
  async double(value, { onProgress }) {
    onProgress({ done: 1, total: 2 });
    await new Promise((resolve) => setTimeout(resolve, value)); // larger numbers answer later
    return 2 * value;
  },
  fail: () => Promise.reject(new RetuneError("E_JSON", "line 3 is broken", { file: "a.json", line: 3 })),
  crash: () => Promise.reject(new TypeError("undefined is not a function")),
  forever: (_, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    }),
};

const open: MessagePort[] = [];
afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

/** A worker in this thread: the two ends of a channel, as `new Worker` would give them. */
function worker() {
  const { port1, port2 } = new MessageChannel();
  open.push(port1, port2);
  port1.start();
  port2.start();
  const terminate = vi.fn(() => port1.close());
  const channel = Object.assign(port1, { terminate }) as unknown as WorkerChannel;
  const fire = (type: string, message?: string): void => {
    port1.dispatchEvent(Object.assign(new Event(type, { cancelable: true }), { message }));
  };
  return { channel, terminate, scope: port2 as unknown as Channel, fire };
}

function pair(events: RunEvent[] = [], losses: WorkerLost[] = []) {
  const ends = worker();
  const host = new Host<Calculator, RunEvent>(ends.scope, handlers);
  const client = new Client<Calculator, RunEvent>(
    ends.channel,
    (event) => events.push(event),
    (error) => losses.push(error),
  );
  return { host, client, ...ends };
}

test("replies find their call by id, in whatever order they come", async () => {
  const { client } = pair();
  const answers: number[] = [];
  const calls = [30, 1, 15].map((value) =>
    client.call("double", value).then((answer) => answers.push(answer)),
  );
  await Promise.all(calls);
  expect(answers).toEqual([2, 30, 60]);
});

test("an error crosses with its code and place, a defect as a defect", async () => {
  const { client } = pair();
  await expect(client.call("fail", null)).rejects.toMatchObject({
    name: "RetuneError",
    code: "E_JSON",
    place: { file: "a.json", line: 3 },
  });
  const crash = client.call("crash", null);
  await expect(crash).rejects.not.toBeInstanceOf(RetuneError);
  await expect(crash).rejects.toThrow("undefined is not a function");
});

test("an unknown method is refused, also one that every object has", async () => {
  const { client } = pair();
  await expect(client.call("toString" as "double", 1)).rejects.toThrow("no method toString");
});

test("cancelling ends the call on the other side", async () => {
  const { client } = pair();
  const controller = new AbortController();
  const call = client.call("forever", null, { signal: controller.signal });
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: "cancelled" });
  const late = client.call("double", 1, { signal: controller.signal });
  await expect(late).rejects.toMatchObject({ code: "cancelled" });
});

test("progress reaches its own call, events reach the listener", async () => {
  const events: RunEvent[] = [];
  const { client, host } = pair(events);
  const progress = vi.fn();
  host.emit({ runId: "run 7" });
  await client.call("double", 1, { onProgress: progress });
  expect(progress).toHaveBeenCalledWith({ done: 1, total: 2 });
  expect(events).toEqual([{ runId: "run 7" }]);
});

test.each([
  ["error", "it crashed"],
  ["messageerror", undefined],
])("on a worker's %s everything pending is rejected, and later calls at once", async (type, message) => {
  const losses: WorkerLost[] = [];
  const { client, fire, terminate } = pair([], losses);
  const calls = [client.call("forever", null), client.call("forever", null)];
  fire(type, message);
  for (const call of calls) await expect(call).rejects.toBeInstanceOf(WorkerLost);
  await expect(client.call("double", 1)).rejects.toBeInstanceOf(WorkerLost);
  expect(losses).toHaveLength(1);
  expect(terminate).toHaveBeenCalledOnce();
  expect(client.alive).toBe(false);
});

test("closing rejects what is pending as cancelled and is not a loss", async () => {
  const losses: WorkerLost[] = [];
  const { client } = pair([], losses);
  const call = client.call("forever", null);
  client.close();
  await expect(call).rejects.toMatchObject({ code: "cancelled" });
  expect(losses).toEqual([]);
});

test("parameters that cannot cross reject their own call only", async () => {
  const { client } = pair();
  await expect(client.call("double", (() => 1) as unknown as number)).rejects.toThrow(/could not be cloned/);
  expect(await client.call("double", 1)).toBe(2);
});

/** Locks of one origin, as far as the protocol uses them: exclusive, first come first served. */
function fakeLocks() {
  const queues = new Map<string, (() => void)[]>();
  const held = new Map<string, () => void>();
  const request = async (name: string, work: () => unknown): Promise<void> => {
    if (held.has(name)) await new Promise<void>((grant) => queues.set(name, [grant]));
    held.set(name, () => queues.get(name)?.shift()?.());
    await work();
  };
  return { request, dies: (name: string) => held.get(name)?.() };
}

test("a worker that dies without a word is noticed by the lock it held", async () => {
  const locks = fakeLocks();
  const names: string[] = [];
  vi.stubGlobal("navigator", {
    locks: { request: (name: string, work: () => unknown) => (names.push(name), locks.request(name, work)) },
  });
  try {
    const { client } = pair();
    const call = client.call("forever", null);
    await vi.waitFor(() => expect(names).toHaveLength(2)); // held by the worker, then awaited by the page
    locks.dies(names[0]!);
    await expect(call).rejects.toBeInstanceOf(WorkerLost);
  } finally {
    vi.unstubAllGlobals();
  }
});
