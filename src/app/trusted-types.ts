/**
 * The pages demand Trusted Types for scripts, so that text of a document can never become code. Starting a worker is
 * the one place where the program itself needs a script address; this policy admits addresses of its own origin.
 */
interface TrustedTypes {
  readonly defaultPolicy: unknown;
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): unknown;
}

/** Installs the default policy once per realm; a browser without Trusted Types needs none. */
export function installTrustedTypes(): void {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (!trustedTypes || trustedTypes.defaultPolicy) return;
  trustedTypes.createPolicy("default", {
    createScriptURL: (url) => {
      const { origin } = new URL(url, globalThis.location.href);
      if (origin !== globalThis.location.origin)
        throw new TypeError(`script of another origin refused: ${origin}`);
      return url;
    },
  });
}
