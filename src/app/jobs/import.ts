import type { ImportWarning } from "../../domain/data/import-report.ts";
import type { RunControl } from "../../domain/ports.ts";
import { RetuneError, toWire } from "../../engine/errors.ts";
import type { Passage } from "../../domain/data/dataset.ts";
import type { OpenImport } from "../storage/import-store.ts";
import type { PairsRecord, SourceRecord } from "../storage/records.ts";
import type { SourceContent } from "../storage/row-packs.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { FileReport, ImportProblem, ImportReport } from "../studio-data.ts";
import type { FileChoice, ImportChoices } from "../studio-import.ts";
import { importUnits, readOnce } from "./import-inputs.ts";
import type { ImportUnit, InputFile } from "./import-inputs.ts";
import { hashOfUnit, readUnit } from "./import-read.ts";
import type { ReadSettings, UnitReading } from "./import-read.ts";
import { TextCopies } from "./text-copies.ts";

const SHOWN_BAD_ROWS = 100;
const SHOWN_ACCEPTED = 1000;
const NAMES_KEPT = 1000;
const TELL_MS = 50; // of 10⁵ small files, not every one

/**
 * Brings files of any supported format into a project, found by their content: all of it or nothing, but for files that
 * cannot be read, which the report names. A file with bad rows waits for the person's word, and everything with it; what
 * was read until then, or until the page was closed, is kept and not read again. Cancelled: nothing is kept.
 */
export async function importFiles(
  workspace: Workspace,
  inputs: readonly InputFile[],
  choices: ImportChoices,
  settings: ReadSettings,
  control: RunControl = {},
): Promise<ImportReport> {
  const { projectId } = settings;
  const names = topNames(inputs);
  await refuseOthers(workspace, projectId, names);
  const { units, refused } = await importUnits(inputs);
  const present = await workspace.projects.sources(projectId);
  const open = await workspace.imports.open(projectId, names);
  const importing = new Importing(open, units, choices, settings, present);
  for (const { name, error } of refused) importing.refuse(name, error);
  try {
    await importing.read(control);
    return await importing.finish(workspace);
  } catch (error) {
    // On a full disk too: what is kept for later would be in the way of everything else.
    const leaves = error instanceof RetuneError && ["cancelled", "storage-full"].includes(error.code);
    if (leaves) await workspace.imports.discard(projectId);
    throw error;
  }
}

/** The names as a person knows them: of files, and of folders instead of what lies in them. */
function topNames(inputs: readonly InputFile[]): readonly string[] {
  return [...new Set(inputs.map(({ name }) => name.split("/")[0]!))].slice(0, NAMES_KEPT);
}

/** Other files may not finish what these began: the project would get what nobody asked for. */
async function refuseOthers(
  workspace: Workspace,
  projectId: string,
  names: readonly string[],
): Promise<void> {
  const unfinished = await workspace.imports.unfinished(projectId);
  if (!unfinished || unfinished.names.some((name) => names.includes(name))) return;
  const text = `An import of ${unfinished.names.join(", ")} is not finished.`;
  throw new RetuneError("usage", `${text} Add the same files again to go on with it, or discard it first.`);
}

class Importing {
  private readonly open: OpenImport;
  private readonly units: readonly ImportUnit[];
  private readonly choices: ImportChoices;
  private readonly settings: ReadSettings;
  private readonly present: ReadonlyMap<string, readonly SourceRecord[]>; // by hash and name
  private readonly staged: ReadonlyMap<string, readonly SourceRecord[]>;
  private readonly copies = new TextCopies();
  private readonly reports: FileReport[] = [];
  private readonly total = { files: 0, accepted: 0, passages: 0 };
  private pairs: Pick<PairsRecord, "name" | "format" | "rows"> | undefined;
  private resumed = 0;
  private waiting = false;

  constructor(
    open: OpenImport,
    units: readonly ImportUnit[],
    choices: ImportChoices,
    settings: ReadSettings,
    present: readonly SourceRecord[],
  ) {
    const leaving = new Set(choices.replace ?? []);
    const staying = present.filter(({ id }) => !leaving.has(id));
    this.open = open;
    this.units = units;
    this.choices = choices;
    this.settings = settings;
    this.present = byPlace(staying);
    this.staged = byPlace(open.staged);
  }

  async read(control: RunControl): Promise<void> {
    const bytes = this.units.reduce((sum, { size }) => sum + size, 0);
    let [done, told] = [0, -Infinity];
    for (const unit of this.units) {
      if (control.signal?.aborted) throw cancelled();
      if (performance.now() - told >= TELL_MS) {
        control.onProgress?.({ done, total: Math.max(1, bytes), label: unit.name });
        told = performance.now();
      }
      await this.readOne(unit, control);
      done += unit.size;
    }
    if (control.signal?.aborted) throw cancelled();
    control.onProgress?.({ done: Math.max(1, bytes), total: Math.max(1, bytes) });
  }

  refuse(name: string, error: unknown): void {
    const problem: ImportProblem = { severity: "error", error: toWire(error) };
    this.report({ ...NOTHING, name, problems: [problem] });
  }

  /** Makes it all part of the project, or keeps what was read until the person has decided. */
  async finish(workspace: Workspace): Promise<ImportReport> {
    const { waiting, resumed, total, reports } = this;
    if (waiting) await this.open.flush();
    else {
      if (!this.open.empty || resumed > 0) await this.open.commit(this.choices.replace);
      const { projectId } = this.settings;
      if (this.pairs) await workspace.parts.savePairs({ projectId, ...this.pairs, warnings: [] });
    }
    return { files: reports, total, waiting, resumed };
  }

  private async readOne(unread: ImportUnit, control: RunControl): Promise<void> {
    const unit = readOnce(unread);
    const choice = this.choices.files?.[unit.name] ?? {};
    if (choice.readAs === "nothing") return;
    try {
      const hash = await hashOfUnit(unit);
      if (this.isKnown(unit, hash)) return;
      const reading = await readUnit(unit, hash, choice, this.settings, control);
      await this.take(unit, reading, choice);
    } catch (error) {
      if (error instanceof RetuneError && (error.code === "cancelled" || error.code.startsWith("storage"))) {
        throw error;
      }
      this.refuse(unit.name, error);
    }
  }

  /** The same file by name and content: in the project already, or read by an earlier attempt. */
  private isKnown({ name }: ImportUnit, hash: string): boolean {
    const place = placeOf({ name, hash });
    const before = this.staged.get(place);
    if (before) this.resumed++;
    const sources = before ?? this.present.get(place);
    if (!sources) return false;
    const counts = { passages: corpusSize(sources), questions: sumOf(sources.map((each) => each.questions)) };
    const sourceIds = sources.map(({ id }) => id);
    const known = before ? {} : { known: true };
    const { format } = sources[0]!;
    this.report({ name, format, accepted: true, ...counts, problems: [], sourceIds, ...known });
    return true;
  }

  private async take(unit: ImportUnit, reading: UnitReading, choice: FileChoice): Promise<void> {
    const { contents, pairs, splits, warnings, badRows } = reading;
    const shown = badRows.slice(0, SHOWN_BAD_ROWS);
    const bad = badRows.length > 0 ? { badRows: { count: badRows.length, shown } } : {};
    const { name } = unit;
    const format = contents[0]?.source.format ?? pairs?.format ?? "";
    if (badRows.length > 0 && !choice.skipBadRows) {
      this.waiting = true;
      this.report({ ...NOTHING, name, format, ...bad });
      return;
    }
    if (pairs) this.pairs = pairs;
    if (contents.length > 0) await this.open.add(contents);
    const copies = this.copies.count(largestOf(contents));
    this.report({
      ...{ name, format, accepted: true, problems: warnings.map(asProblem), ...bad },
      passages: largestOf(contents).length,
      questions: sumOf(contents.map(({ questions }) => questions.length)),
      ...(pairs ? { pairs: pairs.rows.length } : {}),
      ...(contents.length > 0 ? { sourceIds: contents.map(({ source }) => source.id) } : {}),
      ...(splits ? { splits } : {}),
      ...(copies > 0 ? { copies } : {}),
    });
  }

  private report(file: FileReport): void {
    this.total.files++;
    this.total.passages += file.known ? 0 : file.passages;
    if (file.accepted) this.total.accepted++;
    if (!file.accepted || this.reports.length < SHOWN_ACCEPTED) this.reports.push(file);
  }
}

const NOTHING = { format: "", accepted: false, passages: 0, questions: 0, problems: [] } as const;

function placeOf({ name, hash }: Pick<SourceRecord, "name" | "hash">): string {
  return `${hash} ${name}`;
}

function byPlace(sources: readonly SourceRecord[]): ReadonlyMap<string, readonly SourceRecord[]> {
  const places = new Map<string, SourceRecord[]>();
  for (const source of sources) {
    const place = placeOf(source);
    places.set(place, [...(places.get(place) ?? []), source]);
  }
  return places;
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);

/** The splits of one dataset share their passages: those of the whole corpus are all there are. */
function largestOf(contents: readonly SourceContent[]): readonly Passage[] {
  return contents.reduce<readonly Passage[]>(
    (most, { passages }) => (passages.length > most.length ? passages : most),
    [],
  );
}

function corpusSize(sources: readonly SourceRecord[]): number {
  return Math.max(...sources.map(({ passages }) => passages));
}

function cancelled(): RetuneError {
  return new RetuneError("cancelled", "The import was cancelled; nothing was kept.");
}

function asProblem(warning: ImportWarning): ImportProblem {
  const place = warning.place ?? {};
  return { severity: "warning", error: { code: warningCode(warning), message: warning.message, place } };
}

function warningCode({ code }: ImportWarning): ImportProblem["error"]["code"] {
  if (code === "duplicate-key" || code === "duplicate-text" || code === "duplicate-judgement") {
    return "E_DUPLICATE";
  }
  return code === "unknown-query" || code === "document" ? "E_REFERENCE" : "E_FIELD";
}
