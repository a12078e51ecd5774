import { memoriseTask, type MemoriseGround } from "../../src/domain/lab/memorise/memorise.ts";
import type { MemoriseExample } from "../../src/domain/lab/memorise/memorise-example.ts";
import { distinctTexts, lexicalRetriever } from "../../src/domain/lab/passage-retriever.ts";
import type { LabExample } from "../../src/domain/lab/lab-task.ts";
import { openSearch } from "../../src/domain/lab/radit/retrieval-tuning.ts";
import type { LabJob } from "../job-lab.ts";
import { openEmbedding, passagesOf, type Embedding } from "../ports/retriever.ts";
import { plainSystem, type LabSystem } from "./lab-system.ts";

/** Memorising, with RAG over the contexts of all rows (and the job's passages) beside. */
export async function memorising(job: LabJob, root: string): Promise<LabSystem> {
  const further = await passagesOf(job.passages);
  let embedding: Embedding | undefined;
  return {
    ...plainSystem(memoriseTask()),
    async prepared(data) {
      const passages = distinctTexts([...contextsOf(data.test), ...further]);
      if (passages.length === 0) return data;
      const ground: MemoriseGround = job.topK === undefined ? {} : { topK: job.topK };
      if (job.retriever === undefined) {
        return { ...data, task: memoriseTask({ ...ground, retriever: lexicalRetriever(passages) }) };
      }
      embedding = await openEmbedding(job, root);
      const { retriever } = await openSearch(embedding, passages);
      return { ...data, task: memoriseTask({ ...ground, retriever }) };
    },
    close: async () => embedding?.close(),
  };
}

/** All rows of a job are asked about, learnt ones as well. */
function contextsOf(examples: readonly LabExample[]): readonly (string | undefined)[] {
  return (examples as readonly MemoriseExample[]).map((example) => {
    return example.kind === "fact" ? example.context : undefined;
  });
}
