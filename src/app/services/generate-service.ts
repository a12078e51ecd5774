import type { Generator } from "../../domain/ports.ts";
import { endpointGenerator } from "../../domain/synth/endpoint.ts";
import type { GenerationRow } from "../../domain/synth/generate.ts";
import { Secret } from "../../domain/synth/secret.ts";
import { generateForProject } from "../jobs/generate.ts";
import type { GenerationStore } from "../jobs/generate.ts";
import type { DataMethods } from "../protocol/calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { GenerateOptions } from "../studio.ts";

/** Makes a generator that knows the whole corpus: rule questions use its headings and vocabulary. */
export type RuleGenerator = (contents: readonly SourceContent[]) => Generator;

/** Writes questions: by rules, or by an endpoint the person named. */
export class GenerateService {
  private readonly workspace: Workspace;
  private readonly rules: RuleGenerator;

  constructor(workspace: Workspace, rules: RuleGenerator) {
    this.workspace = workspace;
    this.rules = rules;
  }

  readonly generate: Handlers<DataMethods>["generate"] = async ({ projectId, options }, control) => {
    const { projects } = this.workspace;
    const contents = await projects.contents(projectId);
    const generator = this.generatorFor(options, contents);
    const store = this.rowsOf(projectId);
    const outcome = await generateForProject(contents, generator, options.perPassage, store, control);
    await projects.replaceContents(projectId, outcome.contents);
    await this.workspace.saveSetting(`generation failures ${projectId}`, outcome.failed);
    return outcome.made;
  };

  private generatorFor({ teacher }: GenerateOptions, contents: readonly SourceContent[]): Generator {
    if (teacher.kind === "rules") return this.rules(contents);
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
