import type { DatasetRole, ImportReport } from "../../app/studio-data.ts";
import type { FileChoice, FoundFile, UnfinishedImport } from "../../app/studio-import.ts";
import type { JobView } from "../../app/studio.ts";
import { waits } from "../messages/imports.ts";
import type { StudioState } from "./studio.svelte.ts";

type Choices = Readonly<Record<string, FileChoice>>;

const DATA = /\.(?:jsonl?|ndjson|csv|tsv|parquet|zip)$/i;

/** The import of one project: what was dropped, what it was taken for, how it ended. Outlives the screen. */
export class ImportState {
  readonly #page: StudioState;
  readonly #projectId: string;
  phase: "idle" | "looking" | "choosing" | "reading" = $state("idle");
  found: readonly FoundFile[] = $state.raw([]);
  choices: Choices = $state.raw({});
  report: ImportReport | null = $state.raw(null);
  unfinished: UnfinishedImport | null = $state.raw(null);
  cancelled = $state(false);
  #files: readonly File[] = $state.raw([]);
  #role: DatasetRole | undefined;
  #replace: readonly string[] = [];

  constructor(page: StudioState, projectId: string) {
    this.#page = page;
    this.#projectId = projectId;
  }

  get job(): JobView | null {
    const jobs = Object.values(this.#page.jobs);
    const live = (job: JobView): boolean =>
      job.kind === "import" && job.projectId === this.#projectId && job.state === "running";
    return jobs.find(live) ?? null;
  }

  get busy(): boolean {
    return this.phase === "looking" || this.phase === "reading";
  }

  /** The files are still at hand and could be read in another way. */
  get correctable(): boolean {
    return this.#files.length > 0 && this.report !== null && !this.report.waiting;
  }

  async loadUnfinished(): Promise<void> {
    const unfinished = await this.#page.attempt(() => this.#page.studio.imports.unfinished(this.#projectId));
    if (!this.busy) this.unfinished = unfinished ?? null;
  }

  /** Takes new files: reads them at once, or first asks about columns that do not speak for themselves. */
  async add(files: readonly File[], role?: DatasetRole): Promise<void> {
    this.#files = files;
    this.#role = role;
    this.#replace = [];
    this.choices = {};
    this.report = null;
    this.cancelled = false;
    const worth = files.filter((file) => DATA.test(file.name));
    if (worth.length > 0 && !(await this.#look(worth))) return;
    if (worth.length > 0 && this.found.some((file) => file.ambiguous !== undefined)) this.phase = "choosing";
    else await this.read();
  }

  /** The same files in another way; what they became goes when they come again. */
  async correct(): Promise<void> {
    this.#replace = (this.report?.files ?? []).flatMap((file) => (file.known ? [] : (file.sourceIds ?? [])));
    if (await this.#look(this.#files)) this.phase = "choosing";
  }

  /** How many of the dropped files will be read. */
  get counted(): number {
    const left = Object.values(this.choices).filter(({ readAs }) => readAs === "nothing").length;
    const broken = this.found.filter(({ problem }) => problem !== undefined).length;
    return Math.max(0, this.#files.length - left - broken);
  }

  choose(name: string, choice: FileChoice): void {
    this.choices = { ...this.choices, [name]: { ...this.choices[name], ...choice } };
  }

  async read(): Promise<void> {
    this.phase = "reading";
    const options = {
      ...(this.#role ? { role: this.#role } : {}),
      files: this.choices,
      replace: this.#replace,
    };
    const { imports } = this.#page.studio;
    const report = await this.#page.attempt(() => imports.start(this.#projectId, this.#files, options));
    this.phase = "idle";
    this.report = report ?? null;
    this.cancelled = report === undefined && this.#page.notice === null;
    if (report && !report.waiting) this.#replace = [];
    await this.loadUnfinished();
  }

  /** For all files that wait: without their bad rows, or without the files. */
  async decide(choice: FileChoice): Promise<void> {
    for (const file of this.report?.files ?? []) if (waits(file)) this.choose(file.name, choice);
    await this.read();
  }

  async discard(): Promise<void> {
    await this.#page.attempt(() => this.#page.studio.imports.discard(this.#projectId));
    this.cancelled = this.report !== null;
    this.report = null;
    await this.loadUnfinished();
  }

  drop(): void {
    this.phase = "idle";
  }

  async cancel(): Promise<void> {
    const { job } = this;
    if (job) await this.#page.attempt(() => this.#page.studio.cancel(job.id));
  }

  async #look(files: readonly File[]): Promise<boolean> {
    this.phase = "looking";
    const found = await this.#page.attempt(() => this.#page.studio.imports.look(files));
    this.phase = "idle";
    this.found = found ?? [];
    return found !== undefined;
  }
}

const states = new WeakMap<StudioState, Record<string, ImportState>>();

/** The one import state of a project on this page. */
export function importStateOf(page: StudioState, projectId: string): ImportState {
  const ofPage = states.get(page) ?? {};
  states.set(page, ofPage);
  return (ofPage[projectId] ??= new ImportState(page, projectId));
}
