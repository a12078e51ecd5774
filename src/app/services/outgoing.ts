/** Counts every fetch of this realm that goes to another origin, before it goes. */
export function countOutgoing(seen: (origin: string) => void): void {
  const original = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    const { origin, protocol } = new URL(address, globalThis.location.href);
    if (protocol.startsWith("http") && origin !== globalThis.location.origin) seen(origin);
    return original(input, init);
  };
}
