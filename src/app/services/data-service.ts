import type { Dataset } from "../../domain/data/dataset.ts";
import { readLlamaIndexDataset, writeLlamaIndexDataset } from "../../domain/formats/llamaindex-dataset.ts";
import type { TokenCounter } from "../../domain/text/chunk.ts";
import { RetuneError } from "../../engine/errors.ts";
import { DEFAULT_ENCODER, encoderById, spaceOf } from "../encoders/known-encoders.ts";
import { servedModelFiles } from "../encoders/model-files.ts";
import type { ModelFiles } from "../encoders/model-files.ts";
import { tokenCounter } from "../encoders/token-counter.ts";
import { chunkOptions, previewOf, rechunked } from "../jobs/chunk.ts";
import { dataHash } from "../jobs/data-hash.ts";
import { countVectors, textGroups } from "../jobs/embed.ts";
import type { TextGroup } from "../jobs/embed.ts";
import { keepGivenVectors, readGivenVectors } from "../jobs/given-vectors.ts";
import { projectData, splitView } from "../jobs/project-data.ts";
import type { ProjectData } from "../jobs/project-data.ts";
import { questionViews } from "../jobs/questions.ts";
import { SAMPLE, readSample } from "../jobs/sample.ts";
import type { DataMethods, ProjectFacts, SentBytes, SentFile } from "../protocol/calls.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { ProjectRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";

type Of<Name extends keyof DataMethods> = DataMethods[Name]["params"];

/** A project with everything that is derived from its rows. */
export interface OpenProject {
  readonly project: ProjectRecord;
  readonly contents: readonly SourceContent[];
  readonly data: ProjectData;
}

/** Import, chunks, questions, vectors of one database: what the data worker does. `base` is the page's address. */
export class DataService {
  readonly workspace: Workspace;
  private readonly site: string;
  private counter: Promise<TokenCounter> | undefined;
  private readonly groups = new WeakMap<
    ProjectData,
    { readonly instruction: string; readonly groups: readonly TextGroup[] }
  >();
  private opened: { readonly key: string; readonly rows: Promise<OpenProject> } | undefined;

  constructor(workspace: Workspace, site: string) {
    this.workspace = workspace;
    this.site = site;
  }

  /** The rows of a project. Those of the one asked last are kept until it changes: 10⁵ rows are not read for each call. */
  async open(projectId: string): Promise<OpenProject> {
    const project = await this.workspace.projects.get(projectId);
    const key = JSON.stringify([project.id, project.revision, project.split]);
    if (project.revision !== undefined && this.opened?.key === key) {
      return { ...(await this.opened.rows), project };
    }
    this.opened = undefined; // let go of the old rows before the new ones come
    const rows = this.read(project);
    this.opened = { key, rows };
    rows.catch(() => (this.opened = undefined));
    return { ...(await rows), project };
  }

  private async read(project: ProjectRecord): Promise<OpenProject> {
    const contents = await this.workspace.projects.contents(project.id);
    return { project, contents, data: projectData(contents, project.split) };
  }

  async facts({ projectId }: Of<"facts">): Promise<ProjectFacts> {
    const { project, contents, data } = await this.open(projectId);
    const encoder = await encoderById(this.workspace, project.encoderId);
    const groups = this.groupsOf(data, encoder.queryInstruction);
    const sources = contents.map(({ source }) => {
      const { id, name, format, bytes, passages, questions, role, split } = source;
      return {
        id,
        name,
        format,
        bytes,
        passages,
        questions,
        role,
        ...(split === undefined ? {} : { split }),
      };
    });
    return {
      sources,
      split: { train: splitView(data.train), test: splitView(data.test) },
      vectors: await countVectors(this.workspace.vectors, encoder, groups),
      dataHash: await dataHash(data),
    };
  }

  /** The same lists of texts for the same rows: the vector cache keeps what it has to know of a list. */
  private groupsOf(data: ProjectData, instruction: string): readonly TextGroup[] {
    const known = this.groups.get(data);
    if (known?.instruction === instruction) return known.groups;
    const groups = textGroups([data.train, data.test], instruction);
    this.groups.set(data, { instruction, groups });
    return groups;
  }

  async previewChunks({
    projectId,
    settings,
  }: Of<"previewChunks">): Promise<DataMethods["previewChunks"]["result"]> {
    const contents = await this.workspace.projects.contents(projectId, { texts: true });
    return previewOf(contents, chunkOptions(settings, await this.countTokens()));
  }

  async applyChunks({ projectId, settings }: Of<"applyChunks">): Promise<null> {
    const contents = await this.workspace.projects.contents(projectId, { texts: true });
    const changed = await rechunked(contents, chunkOptions(settings, await this.countTokens()));
    const change = (project: ProjectRecord): ProjectRecord => ({ ...project, chunking: settings });
    await this.workspace.projects.replaceContents(projectId, changed, change);
    return null;
  }

  async questions({ projectId }: Of<"questions">): Promise<DataMethods["questions"]["result"]> {
    const { contents, data } = await this.open(projectId);
    return questionViews(contents, data);
  }

  async dataset({ projectId, split }: Of<"dataset">): Promise<Dataset> {
    return (await this.open(projectId)).data[split];
  }

  /** The dataset as LlamaIndex writes it, read back and compared before it is handed over. */
  async exportDataset({ projectId, split }: Of<"exportDataset">): Promise<SentBytes> {
    const { project, data } = await this.open(projectId);
    const dataset = data[split];
    if (dataset.queries.length === 0) {
      throw new RetuneError("too-little-data", `There are no ${split} questions to export yet.`);
    }
    const text = writeLlamaIndexDataset(dataset);
    const back = readLlamaIndexDataset(text).dataset;
    const same = writeLlamaIndexDataset(back) === text && back.queries.length === dataset.queries.length;
    if (!same) throw new RetuneError("corrupt", "The exported dataset reads back differently.");
    const { queries, passages } = back;
    return {
      name: `${fileName(project.name)}-${split}.json`,
      bytes: new TextEncoder().encode(text),
      verified: `${queries.length} questions over ${passages.length} passages read back and compared`,
    };
  }

  async importVectors({ projectId, split, part, file }: Of<"importVectors">): Promise<null> {
    const dataset = await this.dataset({ projectId, split });
    const matrix = readGivenVectors(await bytesOf(file), file.name, dataset, part);
    const id = `vectors-${projectId}`;
    const known = (await this.workspace.encoders()).find((encoder) => encoder.id === id);
    if (known && known.dimension !== matrix.columns) {
      const text = `${file.name} has ${matrix.columns} dimensions, the vectors here have ${known.dimension}.`;
      throw new RetuneError("E_MISMATCH", text, { file: file.name });
    }
    const facts = known ?? {
      id,
      projectId,
      name: "Imported vectors",
      origin: "imported-vectors" as const,
      dimension: matrix.columns,
      precision: "unknown" as const,
      queryInstruction: "",
      hash: `imported-${crypto.randomUUID()}`,
    };
    const queryInstruction = part === "queriesInstruction" ? "imported" : facts.queryInstruction;
    const encoder = { ...facts, queryInstruction };
    const space = spaceOf(encoder, part === "queriesInstruction" ? "imported" : "");
    await keepGivenVectors(this.workspace.vectors, space, dataset, part, matrix);
    await this.workspace.saveEncoder(encoder);
    await this.workspace.projects.update(projectId, (project) => ({ ...project, encoderId: id }));
    return null;
  }

  async fillSample({ projectId }: Of<"fillSample">): Promise<null> {
    const files = servedModelFiles("the sample", new URL(SAMPLE.folder, this.site).href);
    const encoder = await encoderById(this.workspace, DEFAULT_ENCODER.id);
    const contents = await readSample(files, projectId, encoder, this.workspace.vectors);
    await this.workspace.projects.addSources(projectId, contents);
    return null;
  }

  countTokens(): Promise<TokenCounter> {
    this.counter ??= tokenCounter(this.defaultModel());
    return this.counter;
  }

  private defaultModel(): ModelFiles {
    return servedModelFiles(DEFAULT_ENCODER.name, new URL(`models/${DEFAULT_ENCODER.id}/`, this.site).href);
  }
}

export { dataHash };

export async function bytesOf({ blob }: SentFile): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await blob.arrayBuffer());
}

/** A project's name as a file name: letters, digits and dashes. */
export function fileName(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 60) || "retune"
  );
}
