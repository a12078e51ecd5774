// pdf.js 5.6 fetches the pages of a tree ahead and keeps their promises in a Map (Catalog.getPageDict), where nobody
// waits for those it does not need in the end. A broken page beside good ones would so end a Node process as an unhandled
// rejection. While a PDF is read, a promise that is put into a Map therefore counts as looked after.
type MapSet = (this: Map<unknown, unknown>, key: unknown, value: unknown) => Map<unknown, unknown>;

const set = Reflect.get(Map.prototype, "set") as MapSet;
let readers = 0;

const setAndLookAfter: MapSet = function (key, value) {
  if (value instanceof Promise) value.catch(() => undefined); // who waits for it is told all the same
  return set.call(this, key, value);
};

/** Runs with promises in Maps looked after; several may run at a time. */
export async function withPromisesLookedAfter<Result>(run: () => Promise<Result>): Promise<Result> {
  if (readers++ === 0) Reflect.set(Map.prototype, "set", setAndLookAfter);
  try {
    return await run();
  } finally {
    if (--readers === 0) Reflect.set(Map.prototype, "set", set);
  }
}
