import type { Generator } from "../../domain/ports.ts";
import { endpointGenerator } from "../../domain/synth/endpoint.ts";
import type { GenerationRow } from "../../domain/synth/generate.ts";
import { ruleGenerator } from "../../domain/synth/rule-generator.ts";
import { Secret } from "../../domain/synth/secret.ts";
import { generateForProject } from "../jobs/generate.ts";
import type { GenerationStore } from "../jobs/generate.ts";
import type { DataMethods } from "../protocol/calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { GenerateOptions } from "../studio.ts";

/** Writes questions: by rules, or by an endpoint the person named. */
export class GenerateService {
  private readonly workspace: Workspace;

  constructor(workspace: Workspace) {
    this.workspace = workspace;
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
    if (teacher.kind === "rules") {
      return ruleGenerator(contents.flatMap(({ passages }) => passages.map((passage) => passage.text)));
    }
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
