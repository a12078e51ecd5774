import type { Chat } from "../../domain/synth/chat-generator.ts";
import type { RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { BuiltInState } from "../studio-teachers.ts";

// The browser's own model, by the Prompt API (github.com/webmachinelearning/prompt-api). It lives in windows only, not
// in workers, and runs on this machine; where the browser has not fetched it yet, asking for it makes the browser do so.

/** The part of the Prompt API that is needed. */
export interface LanguageModelFactory {
  availability(): Promise<"unavailable" | "downloadable" | "downloading" | "available">;
  create(options: {
    readonly signal?: AbortSignal;
    readonly monitor?: (monitor: EventTarget) => void;
  }): Promise<LanguageModelSession>;
}

interface LanguageModelSession {
  clone(): Promise<LanguageModelSession>;
  prompt(text: string, options: { readonly signal?: AbortSignal }): Promise<string>;
  destroy(): void;
}

/** What this browser offers, or undefined. */
function languageModels(): LanguageModelFactory | undefined {
  return (globalThis as { LanguageModel?: LanguageModelFactory }).LanguageModel;
}

export async function builtInState(factory = languageModels()): Promise<BuiltInState> {
  const state = (await factory?.availability().catch(() => "unavailable" as const)) ?? "unavailable";
  if (state === "available") return "ready";
  return state === "unavailable" ? "missing" : "downloadable";
}

/** Opens the browser's model; "model-missing" where it has none. Every prompt is answered on its own, without a past. */
export async function openBuiltIn(
  { signal, onProgress }: RunControl = {},
  factory = languageModels(),
): Promise<Chat & { close(): void }> {
  if (!factory || (await builtInState(factory)) === "missing") {
    const text =
      "This browser has no model of its own that may be used here. Choose the rules or another model.";
    throw new RetuneError("model-missing", text);
  }
  const session = await factory.create({
    ...(signal ? { signal } : {}),
    monitor: (monitor) =>
      monitor.addEventListener("downloadprogress", (event) => {
        const done = (event as ProgressEvent).loaded; // a share of 1
        onProgress?.({ done, total: 1, label: "The browser fetches its model" });
      }),
  });
  return {
    name: "the browser's model",
    identity: "built-in",
    async ask(prompt, stop) {
      const fresh = await session.clone();
      try {
        return await fresh.prompt(prompt, stop ? { signal: stop } : {});
      } finally {
        fresh.destroy();
      }
    },
    close: () => session.destroy(),
  };
}
