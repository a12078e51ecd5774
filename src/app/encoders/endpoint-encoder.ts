import type { Matrix } from "../../domain/matrix.ts";
import type { Encoder, EncoderIdentity, RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import { normalised } from "./pooling.ts";
import type { Secret } from "../../domain/synth/secret.ts";

export interface EndpointOptions {
  readonly url: string; // up to and without "/embeddings", as OpenAI's base URL
  readonly model: string;
  readonly key?: Secret;
  readonly textsPerRequest?: number;
  readonly timeoutMs?: number;
  readonly retries?: number;
}

interface EmbeddingReply {
  readonly data: readonly { readonly index?: number; readonly embedding: readonly number[] }[];
}

const TEXTS_PER_REQUEST = 32;
const TIMEOUT_MS = 60_000;
const RETRIES = 3;

/** Vectors from an OpenAI-compatible `/v1/embeddings`: the texts leave the machine, so only on the connected page. */
export class EndpointEncoder implements Encoder {
  readonly identity: EncoderIdentity;
  private readonly options: EndpointOptions;

  private constructor(options: EndpointOptions, identity: EncoderIdentity) {
    this.options = options;
    this.identity = identity;
  }

  /** Asks for one vector to learn the dimension; "network" names what the endpoint answered. */
  static async open(options: EndpointOptions, hash: string): Promise<EndpointEncoder> {
    const [vector] = await request(options, ["dimension"], undefined);
    return new EndpointEncoder(options, {
      name: options.model,
      hash,
      dimension: vector!.length,
      maxTokens: 8192,
      precision: "unknown",
      queryInstruction: "",
    });
  }

  async encode(texts: readonly string[], { signal, onProgress }: RunControl = {}): Promise<Matrix> {
    const { dimension } = this.identity;
    const values = new Float32Array(texts.length * dimension);
    const size = this.options.textsPerRequest ?? TEXTS_PER_REQUEST;
    for (let start = 0; start < texts.length; start += size) {
      const vectors = await request(this.options, texts.slice(start, start + size), signal);
      for (const [row, vector] of vectors.entries()) {
        if (vector.length !== dimension) {
          const text = `${this.options.url} changed its vectors from ${dimension} to ${vector.length} dimensions.`;
          throw new RetuneError("E_MISMATCH", text);
        }
        values.set(normalised(vector), (start + row) * dimension);
      }
      const done = Math.min(start + size, texts.length);
      onProgress?.({ done, total: texts.length, label: `${done} of ${texts.length} texts` });
    }
    return { rows: texts.length, columns: dimension, values };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function request(
  options: EndpointOptions,
  texts: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly (readonly number[])[]> {
  const tries = options.retries ?? RETRIES;
  for (let attempt = 1; ; attempt++) {
    try {
      return await requestOnce(options, texts, signal);
    } catch (error) {
      if (signal?.aborted)
        throw new RetuneError("cancelled", "Embedding was cancelled; what was done is kept.");
      const final = error instanceof RetuneError && error.code !== "network";
      if (final || attempt >= tries) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100 * 4 ** attempt));
    }
  }
}

async function requestOnce(
  { url, model, key, timeoutMs }: EndpointOptions,
  texts: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly (readonly number[])[]> {
  const timeout = AbortSignal.timeout(timeoutMs ?? TIMEOUT_MS);
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (key) headers["authorization"] = `Bearer ${key.reveal()}`;
  let response: Response;
  try {
    response = await fetch(`${url.replace(/\/+$/, "")}/embeddings`, {
      method: "POST",
      headers,
      body: JSON.stringify({ model, input: texts, encoding_format: "float" }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      redirect: "error",
      credentials: "omit",
    });
  } catch (error) {
    const text = `${url} did not answer: ${String(error)}. Is the server running, and does it allow this page (CORS)?`;
    throw new RetuneError("network", text, {}, { cause: error });
  }
  if (!response.ok) {
    const code = response.status === 429 || response.status >= 500 ? "network" : "usage";
    const answer = await response.text();
    const blotted = key?.blot(answer) ?? answer; // servers repeat the key they refuse, and errors get stored
    throw new RetuneError(code, `${url} answered ${response.status}: ${blotted.slice(0, 200)}`);
  }
  return vectorsOf((await response.json()) as Partial<EmbeddingReply>, texts.length, url);
}

function vectorsOf(
  reply: Partial<EmbeddingReply>,
  count: number,
  url: string,
): readonly (readonly number[])[] {
  const rows = reply.data ?? [];
  const ordered = [...rows].sort((a, b) => (a.index ?? 0) - (b.index ?? 0)).map((row) => row.embedding);
  const numbers = (row: unknown): boolean =>
    Array.isArray(row) && row.every((value) => Number.isFinite(value));
  if (ordered.length === count && ordered.every(numbers)) return ordered;
  throw new RetuneError("network", `${url} answered ${ordered.length} vectors for ${count} texts.`);
}
