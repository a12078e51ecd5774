import { choiceText } from "../../domain/data/router-dataset.ts";
import type { RouterExample } from "../../domain/data/router-dataset.ts";
import type { Generator } from "../../domain/ports.ts";
import { endpointGenerator } from "../../domain/synth/endpoint.ts";
import { ruleGenerator } from "../../domain/synth/rule-generator.ts";
import { Secret } from "../../domain/synth/secret.ts";
import { RetuneError } from "../../engine/errors.ts";
import { writeQuestions } from "../jobs/write-questions.ts";
import type { DataMethods } from "../protocol/calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { GenerateOptions } from "../studio-data.ts";

/** Writes questions: by rules, or by an endpoint the person named. */
export class GenerateService {
  private readonly workspace: Workspace;

  constructor(workspace: Workspace) {
    this.workspace = workspace;
  }

  readonly generate: Handlers<DataMethods>["generate"] = async ({ projectId, options }, control) => {
    const open = (passages: readonly string[]) => this.generatorFor(options, passages);
    return writeQuestions(this.workspace, projectId, { perPassage: options.perPassage, open }, control);
  };

  /** Questions for a router's choices, written from their descriptions; a question it has is not added again. */
  readonly generateRouted: Handlers<DataMethods>["generateRouted"] = async (
    { projectId, options },
    { signal, onProgress },
  ) => {
    const record = await this.workspace.parts.router(projectId);
    if (!record) throw new RetuneError("too-little-data", "There are no choices to write questions for yet.");
    const { choices } = record.dataset;
    const generator = this.generatorFor(options, choices.map(choiceText));
    const made: RouterExample[] = [];
    for (const [index, choice] of choices.entries()) {
      const passage = { id: choice.id, text: choiceText(choice), heading: choice.name };
      for (const { text, rule } of await generator.generate(passage, options.perPassage, signal)) {
        const origin = { kind: generator.kind, detail: rule ?? generator.name };
        made.push({ id: crypto.randomUUID(), text, choices: [choice.id], origin });
      }
      onProgress({ done: index + 1, total: choices.length });
    }
    const known = new Set(record.dataset.examples.map(({ text }) => text));
    const fresh = made.filter(({ text }) => !known.has(text) && known.add(text));
    await this.workspace.parts.changeRouter(projectId, (now) => {
      const { dataset } = now ?? record;
      return { ...record, dataset: { ...dataset, examples: [...dataset.examples, ...fresh] } };
    });
    return fresh.length;
  };

  private generatorFor({ teacher, template }: GenerateOptions, texts: readonly string[]): Generator {
    if (teacher.kind === "rules") return ruleGenerator(texts);
    if (teacher.kind !== "endpoint") {
      throw new RetuneError("usage", `A ${teacher.kind} model does not run in this worker.`);
    }
    return endpointGenerator({
      baseUrl: teacher.url,
      model: teacher.model,
      fetch: (url, init) => fetch(url, init),
      ...(teacher.key === undefined ? {} : { key: new Secret(teacher.key) }),
      ...(template === undefined ? {} : { template }),
    });
  }
}
