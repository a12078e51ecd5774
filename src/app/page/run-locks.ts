/** One run, one owner: over all tabs of this browser. */
export interface RunLocks {
  /** Runs `work` as the owner, in the background, and answers true; false where someone else owns the run. */
  own(runId: string, work: () => Promise<void>): Promise<boolean>;
  isHeld(runId: string): Promise<boolean>;
  /** Resolves when nobody owns the run any more, however the owner ended. */
  released(runId: string): Promise<void>;
}

const nameOf = (runId: string): string => `retune-run-${runId}`;

/** Web Locks: the browser lets go of a lock the moment its tab or process dies. */
export function webRunLocks(locks: LockManager): RunLocks {
  return {
    own: (runId, work) =>
      new Promise((resolve, reject) => {
        const holding = locks.request(nameOf(runId), { ifAvailable: true }, async (lock) => {
          resolve(lock !== null);
          if (lock) await work();
        });
        holding.catch(reject);
      }),
    async isHeld(runId) {
      const { held } = await locks.query();
      return (held ?? []).some((lock) => lock.name === nameOf(runId));
    },
    released: async (runId) => {
      await locks.request(nameOf(runId), () => undefined);
    },
  };
}

/** The same within one thread, where there are no Web Locks. */
export function memoryRunLocks(): RunLocks {
  const held = new Map<string, Promise<void>>();
  return {
    own(runId, work) {
      if (held.has(runId)) return Promise.resolve(false);
      held.set(
        runId,
        work().finally(() => held.delete(runId)),
      );
      return Promise.resolve(true);
    },
    isHeld: (runId) => Promise.resolve(held.has(runId)),
    released: async (runId) => {
      await held.get(runId)?.catch(() => undefined);
    },
  };
}
