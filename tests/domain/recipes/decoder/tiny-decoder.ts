import type { DecoderBase } from "../../../../src/domain/models/decoder-model.ts";
import { decoderInMemory } from "../../../../src/domain/models/decoder-model.ts";
import { llamaConfigOf } from "../../../../src/domain/models/llama/config.ts";
import { initialDecoder } from "../../../../src/domain/models/llama/initial.ts";
import type { SupervisedSequence } from "../../../../src/domain/models/llama/supervision.ts";
import { CounterRandom } from "../../../../src/domain/random.ts";
import type { DecoderJob, DecoderSettings } from "../../../../src/domain/recipes/decoder/decoder-job.ts";
import type { DecoderRun, TrainedDecoder } from "../../../../src/domain/recipes/decoder/decoder-run.ts";
import { openDecoderRun } from "../../../../src/domain/recipes/decoder/decoder.ts";
import type { Backend } from "../../../../src/engine/backend.ts";

/** A Llama of two layers and 32 dimensions that has learnt nothing. */
export function tinyDecoder(more: Readonly<Record<string, unknown>> = {}): DecoderBase {
  const config = llamaConfigOf({
    ...{ model_type: "llama", vocab_size: 48, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, max_position_embeddings: 64 },
    ...{ tie_word_embeddings: true, rms_norm_eps: 1e-5 },
    ...more,
  });
  return { name: "tiny", config, weights: decoderInMemory(config, initialDecoder(config, 3)) };
}

/** "a b c =" is answered by "c b a end": 2 to 6 letters, the answer alone is learnt. */
export function reversals(count: number, seed: number): SupervisedSequence[] {
  const random = new CounterRandom(seed);
  return Array.from({ length: count }, () => {
    const letters = Array.from({ length: 2 + random.below(5) }, () => 4 + random.below(40));
    const ids = [1, ...letters, 3, ...letters.toReversed(), 2];
    return { ids, supervised: ids.map((_, place) => place > letters.length + 1) };
  });
}

export function tinyJob(settings: Partial<DecoderSettings> = {}, more: Partial<DecoderJob> = {}): DecoderJob {
  return {
    base: tinyDecoder(),
    rows: reversals(48, 5),
    settings: { batchSize: 8, epochs: 2, learningRate: 1e-2, seed: 1, ...settings },
    ...more,
  };
}

export async function toEnd(run: DecoderRun): Promise<TrainedDecoder> {
  const stream = run.steps();
  for (;;) {
    const next = await stream.next();
    if (next.done) return next.value;
  }
}

export async function trained(backend: Backend, job: DecoderJob): Promise<TrainedDecoder> {
  const run = await openDecoderRun(backend, job);
  const result = await toEnd(run);
  run.dispose();
  return result;
}
