// The one place where @mlc-ai/web-xgrammar is loaded. It is a script of 1.1 MB with its WASM inside: no request, and no code made of
// text, so a page whose policy allows 'wasm-unsafe-eval' may run it. Its package calls it a module while it is an older script:
//   a bundler gives its exports as named or default ones;
//   Node runs it as a module without any, where it leaves them in globalThis.xgrammar, and asks for `location` (a browser's) or
//   `require` (of older scripts) to know where it lies. It gets a location until its WASM has started.
// What it refuses it writes to console.error, as it stands when the WASM starts, and aborts; its message is caught there. An abort
// costs some memory, nothing else: it answers on.
import type * as Library from "@mlc-ai/web-xgrammar";
import { RetuneError } from "../../engine/errors.ts";

export type XGrammar = Pick<
  typeof Library,
  "GrammarCompiler" | "GrammarMatcher" | "Testings" | "TokenizerInfo"
>;

interface Scope {
  location?: unknown;
  readonly console: { error: (...said: unknown[]) => void };
  xgrammar?: XGrammar;
}

const FATAL = /^\[FATAL\] \S+: /; // and the place in its sources
let refused = ""; // what it said last

/** What the library said of the grammar that it refused last. */
export function lastRefusal(): string {
  return refused;
}

let loaded: Promise<XGrammar> | undefined;

/** The library, started. Rejects with "unsupported" where it cannot be. */
export function loadXGrammar(): Promise<XGrammar> {
  loaded ??= load().catch((error: unknown) => {
    loaded = undefined;
    const text = `constrained answers: the grammar library did not start: ${String(error)}`;
    throw new RetuneError("unsupported", text, {}, { cause: error });
  });
  return loaded;
}

async function load(): Promise<XGrammar> {
  const scope = globalThis as unknown as Scope;
  const placed = scope.location === undefined;
  if (placed) scope.location = { href: "file:///web-xgrammar.js" };
  try {
    const module = (await import("@mlc-ai/web-xgrammar")) as Partial<XGrammar> & {
      readonly default?: XGrammar;
    };
    const library = [module, module.default, scope.xgrammar].find((each) => each?.TokenizerInfo);
    if (!library) throw new Error("it exports nothing");
    await started(library as XGrammar, scope);
    return library as XGrammar;
  } finally {
    if (placed) delete scope.location;
  }
}

/** Its WASM starts with the first thing that is made of it. */
async function started({ TokenizerInfo }: XGrammar, { console: output }: Scope): Promise<void> {
  const before = output.error;
  output.error = (...said: unknown[]): void => {
    const text = String(said[0]);
    if (FATAL.test(text)) refused = text.replace(FATAL, "").trim();
    else if (!text.startsWith("Aborted(")) before(...said);
  };
  try {
    const probe = await TokenizerInfo.createTokenizerInfo(["a"], "raw", false, 1, [0]);
    probe.dispose();
  } finally {
    output.error = before;
  }
}
