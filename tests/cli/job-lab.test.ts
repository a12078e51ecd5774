import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseJob } from "../../cli/job.ts";
import { decoderSettings, type LabJob } from "../../cli/job-lab.ts";
import { labJobFile } from "../../src/app/jobs/lab-job-file.ts";
import type { LabRecord } from "../../src/app/storage/lab-records.ts";
import { labTask, LAB_TASK_IDS } from "../../src/domain/lab/registry.ts";

const parse = (job: object): LabJob => parseJob("/jobs/job.json", JSON.stringify(job)) as LabJob;
const least = { task: "sft", model: "./small", train: "chats.jsonl" };

describe("a job of the lab", () => {
  test("needs a task, a model and rows; paths are relative to it", () => {
    const job = parse({ ...least, replay: { file: "old.jsonl", share: 0.3 } });
    expect(job).toMatchObject({
      ...{ task: "sft", model: "/jobs/small", train: "/jobs/chats.jsonl", method: "lora", learn: "answers" },
      ...{ constrained: false, skipBadRows: false, export: ["peft"], seed: 0 },
      replay: { file: "/jobs/old.jsonl", share: 0.3 },
    });
    expect(decoderSettings(job)).toEqual({ method: "lora", seed: 0, replayShare: 0.3 });
  });

  test("says how to train in the recipe's words", () => {
    const given = {
      lora: { rank: 4, targets: ["q_proj"] },
      base: "q8",
      steps: 9,
      betas: [0.9, 0.99],
      order: "packed",
    };
    expect(decoderSettings(parse({ ...least, ...given }))).toMatchObject({
      ...{
        lora: { rank: 4, targets: ["q_proj"] },
        frozen: "q8",
        steps: 9,
        betas: [0.9, 0.99],
        order: "packed",
      },
    });
  });

  test.each([
    [{ base: "q2" }, 'field "base" must be "f32", "f16", "q8" or "q4", got "q2"'],
    [{ grammar: "g.ebnf" }, 'unknown field "grammar"'],
    [{ testShare: 1 }, 'field "testShare" must be a number above 0 and below 1, got 1'],
    [{ export: ["onnx"] }, 'field "export.0" may hold "peft", "merged" and "gguf", got "onnx"'],
    [{ method: "full", export: ["peft"] }, 'field "export" may only hold "merged" where "method" is "full"'],
    [{ replay: {} }, 'field "replay.file" is missing'],
  ])("names what is wrong: %j", (wrong, message) => {
    expect(() => parse({ ...least, ...wrong })).toThrow(message);
  });

  test.each(LAB_TASK_IDS)("has an example that reads its sample: %s", (id) => {
    const file = `docs/jobs/${id}.json`;
    const job = parseJob(file, readFileSync(file, "utf8")) as LabJob;
    expect(job.task).toBe(id);
    for (const path of [job.train, job.test, job.replay?.file]) {
      if (path === undefined) continue;
      const { examples } = labTask(id).read(path, readFileSync(path));
      expect(examples.length).toBeGreaterThan(10);
    }
  });

  test("is what the page writes for a run", () => {
    const lab = {
      ...{ id: "1", system: "text-to-sql", name: "SQL" },
      files: [
        { side: "train", name: "train.jsonl" },
        { side: "test", name: "test.jsonl" },
        { side: "replay", name: "old.jsonl" },
      ],
    } as unknown as LabRecord;
    const text = labJobFile(
      lab,
      {
        ...{
          base: "nano",
          learn: "answers",
          maxTokens: 256,
          maxNewTokens: 64,
          constrained: true,
          judgedRows: 50,
        },
        settings: {
          ...{
            method: "lora",
            lora: { rank: 8, alpha: 16 },
            epochs: 3,
            batchSize: 16,
            learningRate: 2e-3,
            seed: 4,
          },
          ...{
            order: "shuffled",
            warmupSteps: 20,
            decayFrom: 0.5,
            epsilon: 1e-8,
            frozen: "q8",
            replayShare: 0.25,
          },
        },
      },
      "retune-nano-decoder",
    );
    const job = parse(JSON.parse(text) as object);
    expect(job).toMatchObject({ task: "text-to-sql", testRows: 50, base: "q8", constrained: true });
    expect(decoderSettings(job)).toMatchObject({
      warmupSteps: 20,
      decayFrom: 0.5,
      frozen: "q8",
      replayShare: 0.25,
    });
  });
});
