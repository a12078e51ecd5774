import { RetuneError } from "../../engine/errors.ts";
import type { GeneratedQuestion, Generator } from "../ports.ts";
import { parseCompatible, parseStrict } from "./parse-questions.ts";
import { DEFAULT_TEMPLATE, fillTemplate } from "./prompt.ts";
import type { Secret } from "./secret.ts";

/** The part of fetch that is needed; the caller decides what it may reach. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface EndpointOptions {
  readonly baseUrl: string; // up to "/v1": Ollama, LM Studio, vLLM, llama-server, …
  readonly model: string;
  readonly fetch: Fetch;
  readonly key?: Secret; // stays in memory
  readonly template?: string; // see fillTemplate
  readonly parser?: "strict" | "compatible";
  readonly temperature?: number;
  readonly attempts?: number; // for one passage, LlamaIndex's retry_limit
  readonly timeoutMs?: number; // for one attempt, answer included
  readonly backoffMs?: number; // before the second attempt, doubled before each one after it
}

/** A generator whose questions depend on nothing but the passage, the count and `identity`. */
export interface TeacherGenerator extends Generator {
  readonly identity: string;
}

const MAX_ANSWER = 1_000_000; // bytes
const MAX_WAIT_MS = 60_000; // longest a Retry-After is obeyed

/**
 * Asks an OpenAI-compatible chat endpoint. Rejects with "usage" where trying again is pointless (wrong address, key or
 * model), "network" when every attempt failed or gave no question, "cancelled" when the signal fires.
 */
export function endpointGenerator(options: EndpointOptions): TeacherGenerator {
  const url = chatUrl(options.baseUrl);
  const template = options.template ?? DEFAULT_TEMPLATE;
  const parser = options.parser ?? "strict";
  const temperature = options.temperature ?? 0.3;
  fillTemplate(template, "", 1); // a broken template fails here, not at the first passage
  const teacher = new Teacher(url, temperature, options);
  return {
    name: options.model,
    kind: "teacher",
    identity: JSON.stringify([url, options.model, template, parser, temperature]),
    generate: async (passage, count, signal) => {
      const parse = parser === "strict" ? parseStrict : parseCompatible;
      const prompt = fillTemplate(template, passage.text, count);
      return teacher.ask(
        prompt,
        (answer) => parse(answer, count).map((text): GeneratedQuestion => ({ text })),
        signal,
      );
    },
  };
}

/** Asks anything: the assistant's text as it came, under the same rules as questions. */
export function endpointChat(
  options: EndpointOptions,
): (prompt: string, signal?: AbortSignal) => Promise<string> {
  const teacher = new Teacher(chatUrl(options.baseUrl), options.temperature ?? 0.1, options);
  return async (prompt, signal) => (await teacher.ask(prompt, (answer) => [answer], signal))[0]!;
}

function chatUrl(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new RetuneError(
      "usage",
      `endpoint: ${JSON.stringify(baseUrl)} is no address; write http://host:port/v1`,
    );
  }
  const path = url.pathname.replace(/\/+$/, "").replace(/\/chat\/completions$/, "");
  return `${url.origin}${path}/chat/completions${url.search}`;
}

/** One failed attempt; `waitMs` is what the server asked for. */
interface Failure {
  readonly error: RetuneError;
  readonly waitMs?: number;
}

class Teacher {
  private readonly url: string;
  private readonly temperature: number;
  private readonly options: EndpointOptions;

  constructor(url: string, temperature: number, options: EndpointOptions) {
    this.url = url;
    this.temperature = temperature;
    this.options = options;
  }

  async ask<T>(
    prompt: string,
    read: (answer: string) => readonly T[],
    signal?: AbortSignal,
  ): Promise<readonly T[]> {
    const { attempts = 3, backoffMs = 500 } = this.options;
    for (let attempt = 1; ; attempt++) {
      const result = await this.attempt(prompt, read, signal);
      if (!("error" in result)) return result.questions;
      if (result.error.code !== "network") throw result.error;
      if (attempt >= attempts)
        throw this.error("network", `${result.error.message} (attempt ${attempt} of ${attempts})`);
      await pause(result.waitMs ?? backoffMs * 2 ** (attempt - 1), signal);
    }
  }

  private async attempt<T>(
    prompt: string,
    read: (answer: string) => readonly T[],
    signal?: AbortSignal,
  ): Promise<Failure | { readonly questions: readonly T[] }> {
    const { timeoutMs = 120_000 } = this.options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await this.options.fetch(
        this.url,
        this.request(prompt, signal ? AbortSignal.any([signal, timeout]) : timeout),
      );
      const body = await readCapped(response);
      if (!response.ok) return this.refused(response, body);
      const questions = read(answerOf(body));
      if (questions.length > 0) return { questions };
      return { error: this.error("network", `no question in the answer: ${excerpt(answerOf(body))}`) };
    } catch (error) {
      if (signal?.aborted) return { error: cancelled() };
      if (timeout.aborted) return { error: this.error("network", `no answer within ${timeoutMs / 1000} s`) };
      if (error instanceof RetuneError) return { error: this.error(error.code, error.message) };
      return {
        error: this.error("network", `cannot be reached (${excerpt(String(error))}); is it running?`),
      };
    }
  }

  private request(prompt: string, signal: AbortSignal): RequestInit {
    const { model, key } = this.options;
    const body = {
      model,
      messages: [{ role: "user", content: prompt }],
      temperature: this.temperature,
      stream: false,
    };
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (key) headers["authorization"] = `Bearer ${key.reveal()}`;
    return {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      signal,
      redirect: "error",
      credentials: "omit",
    };
  }

  private refused(response: Response, body: string): Failure {
    const { status } = response;
    const passing = status === 408 || status === 409 || status === 425 || status === 429 || status >= 500;
    const hint =
      status === 401 || status === 403
        ? "; check the key"
        : status === 404
          ? "; check address and model"
          : "";
    const error = this.error(passing ? "network" : "usage", `answered ${status}${hint}: ${excerpt(body)}`);
    const seconds = Number(response.headers.get("retry-after") ?? NaN);
    return passing && seconds >= 0 ? { error, waitMs: Math.min(seconds * 1000, MAX_WAIT_MS) } : { error };
  }

  private error(code: RetuneError["code"], what: string): RetuneError {
    const opening = `endpoint ${new URL(this.url).origin}: `;
    const message = what.startsWith(opening) ? what : opening + what;
    return new RetuneError(code, this.options.key?.blot(message) ?? message);
  }
}

/** The assistant's text of a chat completion. */
function answerOf(body: string): string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw new RetuneError(
      "network",
      `answered something that is no JSON: ${excerpt(body)}`,
      {},
      { cause: error },
    );
  }
  const content = (value as { choices?: { message?: { content?: unknown } }[] } | null)?.choices?.[0]?.message
    ?.content;
  if (typeof content === "string") return content;
  throw new RetuneError("network", `answered JSON without choices[0].message.content: ${excerpt(body)}`);
}

async function readCapped(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) return text + decoder.decode();
    bytes += part.value.length;
    if (bytes > MAX_ANSWER) {
      await reader?.cancel();
      throw new RetuneError("network", `an answer longer than ${MAX_ANSWER / 1e6} MB`);
    }
    text += decoder.decode(part.value, { stream: true });
  }
}

function excerpt(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return JSON.stringify(line.length > 160 ? `${line.slice(0, 157)}…` : line);
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

function cancelled(): RetuneError {
  return new RetuneError("cancelled", "question generation was cancelled; what was written so far is kept");
}
