import type { Backend } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";
import { nextTask } from "./next-task.ts";

/**
 * A backend that gives up with "cancelled" once `signal` fires: before anything is prepared and wherever a recipe waits for
 * what was computed. There the worker's queue gets a turn first, without which the signal could not fire at all.
 */
export function interruptible(backend: Backend, signal: AbortSignal | undefined): Backend {
  if (!signal) return backend;
  const turn = async (): Promise<void> => {
    await nextTask();
    if (signal.aborted) throw new RetuneError("cancelled", "The plan is not wanted any more.");
  };
  const { kind, label, build, software, halfStorage, bindingBytes } = backend;
  return {
    ...{ kind, label, build, software, halfStorage, bindingBytes },
    dispose: () => backend.dispose(),
    async prepare(plan, sharing) {
      await turn();
      const executable = await backend.prepare(plan, sharing);
      const log = executable.log.bind(executable);
      const settle = executable.settle.bind(executable);
      const read = executable.read.bind(executable);
      executable.log = () => turn().then(log);
      executable.settle = () => turn().then(settle);
      executable.read = (name) => turn().then(() => read(name));
      return executable;
    },
  };
}
