import { choiceText } from "../../domain/data/router-dataset.ts";
import type { RouterExample } from "../../domain/data/router-dataset.ts";
import type { Generator } from "../../domain/ports.ts";
import { endpointGenerator } from "../../domain/synth/endpoint.ts";
import type { GenerationRow } from "../../domain/synth/generate.ts";
import { ruleGenerator } from "../../domain/synth/rule-generator.ts";
import { Secret } from "../../domain/synth/secret.ts";
import { RetuneError } from "../../engine/errors.ts";
import { generateForProject } from "../jobs/generate.ts";
import type { GenerationStore } from "../jobs/generate.ts";
import type { DataMethods } from "../protocol/calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { GenerateOptions } from "../studio-data.ts";

/** Writes questions: by rules, or by an endpoint the person named. */
export class GenerateService {
  private readonly workspace: Workspace;

  constructor(workspace: Workspace) {
    this.workspace = workspace;
  }

  readonly generate: Handlers<DataMethods>["generate"] = async ({ projectId, options }, control) => {
    const { projects } = this.workspace;
    const contents = await projects.contents(projectId);
    const generator = this.generatorFor(options, textsOf(contents));
    const store = this.rowsOf(projectId);
    const outcome = await generateForProject(contents, generator, options.perPassage, store, control);
    await projects.replaceContents(projectId, outcome.contents);
    await this.workspace.saveSetting(`generation failures ${projectId}`, outcome.failed);
    return outcome.made;
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

  private generatorFor({ teacher }: GenerateOptions, texts: readonly string[]): Generator {
    if (teacher.kind === "rules") return ruleGenerator(texts);
    return endpointGenerator({
      baseUrl: teacher.url,
      model: teacher.model,
      fetch: (url, init) => fetch(url, init),
      ...(teacher.key === undefined ? {} : { key: new Secret(teacher.key) }),
    });
  }

  private rowsOf(projectId: string): GenerationStore {
    const key = `generation rows ${projectId}`;
    return {
      rows: async () => ((await this.workspace.setting(key)) ?? []) as readonly GenerationRow[],
      keep: (rows) => this.workspace.saveSetting(key, rows),
    };
  }
}

function textsOf(contents: readonly SourceContent[]): readonly string[] {
  return contents.flatMap(({ passages }) => passages.map((passage) => passage.text));
}
