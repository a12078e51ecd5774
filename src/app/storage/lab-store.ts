import { RetuneError } from "../../engine/errors.ts";
import type { LabFileView, LabResults, LabSide } from "../studio-lab.ts";
import type { Connection } from "./connection.ts";
import type {
  LabAnswerRecord,
  LabFileRecord,
  LabModelRecord,
  LabRecord,
  LabRunRecord,
} from "./lab-records.ts";

/** Projects of the lab, their files, runs, results and models. */
export class LabStore {
  private readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  async list(): Promise<readonly LabRecord[]> {
    const labs = await this.connection.read(["labs"], "listing lab projects", (tx) =>
      tx.objectStore("labs").getAll(),
    );
    return labs.sort((a, b) => b.sequence - a.sequence);
  }

  async get(labId: string): Promise<LabRecord> {
    const found = await this.connection.read(["labs"], "opening a lab project", (tx) =>
      tx.objectStore("labs").get(labId),
    );
    return existing(found, labId);
  }

  async create(lab: Omit<LabRecord, "sequence">): Promise<LabRecord> {
    return this.connection.write(["labs"], "the new lab project", async (tx) => {
      const all = await tx.objectStore("labs").getAll();
      const record = { ...lab, sequence: 1 + Math.max(0, ...all.map(({ sequence }) => sequence)) };
      await tx.objectStore("labs").add(record);
      return record;
    });
  }

  /** Changes a project in one transaction, so that two changes never meet. */
  async change(labId: string, change: (lab: LabRecord) => LabRecord): Promise<LabRecord> {
    return this.connection.write(["labs"], "the lab project", async (tx) => {
      const changed = change(existing(await tx.objectStore("labs").get(labId), labId));
      await tx.objectStore("labs").put(changed);
      return changed;
    });
  }

  /** A project with its files, runs, results and checkpoints: all or nothing. */
  async remove(labId: string): Promise<void> {
    const stores = [
      ...(["labs", "labFiles", "labAnswers", "labRuns", "labResults", "manifests", "chunks"] as const),
    ];
    await this.connection.write(stores, "removing the lab project", async (tx) => {
      await tx.objectStore("labs").delete(labId);
      for (const name of ["labFiles", "labAnswers"] as const)
        await tx.objectStore(name).delete(IDBKeyRange.bound([labId], [labId, []]));
      for (const runId of await tx.objectStore("labRuns").index("lab").getAllKeys(labId)) {
        await tx.objectStore("labRuns").delete(runId);
        await tx.objectStore("labResults").delete(runId);
        const ofRun = IDBKeyRange.bound([runId], [`${runId}\uffff`]); // its result lies under a longer key
        for (const name of ["manifests", "chunks"] as const) await tx.objectStore(name).delete(ofRun);
      }
    });
  }

  /** The file and what is known of its rows, together. */
  async saveFile(file: LabFileRecord, view: LabFileView): Promise<void> {
    const bytes = file.bytes.length;
    await this.connection.write(
      ["labs", "labFiles"],
      file.name,
      async (tx) => {
        const lab = existing(await tx.objectStore("labs").get(file.labId), file.labId);
        const others = lab.files.filter(({ side }) => side !== file.side);
        await tx.objectStore("labFiles").put(file);
        await tx.objectStore("labs").put({ ...lab, files: [...others, view] });
      },
      { bytes },
    );
  }

  async file(labId: string, side: LabSide): Promise<LabFileRecord | undefined> {
    return this.connection.read(["labFiles"], "opening rows", (tx) =>
      tx.objectStore("labFiles").get([labId, side]),
    );
  }

  async removeFile(labId: string, side: LabSide): Promise<void> {
    await this.connection.write(["labs", "labFiles"], "removing the file", async (tx) => {
      const lab = existing(await tx.objectStore("labs").get(labId), labId);
      await tx.objectStore("labFiles").delete([labId, side]);
      await tx.objectStore("labs").put({ ...lab, files: lab.files.filter((file) => file.side !== side) });
    });
  }

  async saveAnswer(answer: LabAnswerRecord): Promise<void> {
    await this.connection.write(["labAnswers"], "a teacher's answer", (tx) =>
      tx.objectStore("labAnswers").put(answer),
    );
  }

  async answers(labId: string): Promise<readonly LabAnswerRecord[]> {
    return this.connection.read(["labAnswers"], "opening a teacher's answers", (tx) =>
      tx.objectStore("labAnswers").getAll(IDBKeyRange.bound([labId], [labId, []])),
    );
  }

  /** Stores a new run under the project's next number. */
  async createRun(run: Omit<LabRunRecord, "number">): Promise<LabRunRecord> {
    return this.connection.write(["labs", "labRuns"], "the new run", async (tx) => {
      const lab = existing(await tx.objectStore("labs").get(run.labId), run.labId);
      const record = { ...run, number: lab.nextRun };
      await tx.objectStore("labs").put({ ...lab, nextRun: lab.nextRun + 1 });
      await tx.objectStore("labRuns").add(record);
      return record;
    });
  }

  async run(runId: string): Promise<LabRunRecord> {
    const found = await this.connection.read(["labRuns"], "opening a run", (tx) =>
      tx.objectStore("labRuns").get(runId),
    );
    return existingRun(found, runId);
  }

  async runs(labId?: string): Promise<readonly LabRunRecord[]> {
    const runs = await this.connection.read(["labRuns"], "listing runs", (tx) =>
      labId === undefined
        ? tx.objectStore("labRuns").getAll()
        : tx.objectStore("labRuns").index("lab").getAll(labId),
    );
    return runs.sort((a, b) => a.number - b.number);
  }

  /** A run that goes on leaves behind what stopped it. */
  async changeRun(runId: string, change: Partial<Omit<LabRunRecord, "id">>): Promise<LabRunRecord> {
    return this.connection.write(["labRuns"], "the run's state", async (tx) => {
      const known = existingRun(await tx.objectStore("labRuns").get(runId), runId);
      const { error: _past, ...going } = known;
      const changed = { ...(change.state === "running" ? going : known), ...change };
      await tx.objectStore("labRuns").put(changed);
      return changed;
    });
  }

  /** The end of a run in one transaction: its results and its state. */
  async finishRun(
    runId: string,
    results: LabResults,
    change: Partial<Omit<LabRunRecord, "id">>,
  ): Promise<LabRunRecord> {
    return this.connection.write(["labRuns", "labResults"], "the finished run", async (tx) => {
      const known = existingRun(await tx.objectStore("labRuns").get(runId), runId);
      const changed = { ...known, ...change };
      await tx.objectStore("labResults").put({ runId, results });
      await tx.objectStore("labRuns").put(changed);
      return changed;
    });
  }

  /** A judged run of a project's file, under the number it had. */
  async restoreRun(run: LabRunRecord, results: LabResults): Promise<void> {
    await this.connection.write(["labRuns", "labResults"], "the run", async (tx) => {
      await tx.objectStore("labRuns").add(run);
      await tx.objectStore("labResults").put({ runId: run.id, results });
    });
  }

  async results(runId: string): Promise<LabResults> {
    const found = await this.connection.read(["labResults"], "opening results", (tx) =>
      tx.objectStore("labResults").get(runId),
    );
    if (found) return found.results;
    throw new RetuneError("usage", "This run has no results yet: it was not judged to its end.");
  }

  async removeRun(runId: string): Promise<void> {
    const stores = ["labRuns", "labResults", "manifests", "chunks"] as const;
    await this.connection.write(stores, "discarding the run", async (tx) => {
      const ofRun = IDBKeyRange.bound([runId], [`${runId}\uffff`]);
      await tx.objectStore("labRuns").delete(runId);
      await tx.objectStore("labResults").delete(runId);
      for (const name of ["manifests", "chunks"] as const) await tx.objectStore(name).delete(ofRun);
    });
  }

  async models(): Promise<readonly LabModelRecord[]> {
    return this.connection.read(["labModels"], "listing models", (tx) =>
      tx.objectStore("labModels").getAll(),
    );
  }

  async saveModel(record: LabModelRecord): Promise<void> {
    await this.connection.write(["labModels"], "the model", (tx) => tx.objectStore("labModels").put(record));
  }

  async removeModel(id: string): Promise<void> {
    await this.connection.write(["labModels"], "removing the model", (tx) =>
      tx.objectStore("labModels").delete(id),
    );
  }
}

function existing(lab: LabRecord | undefined, labId: string): LabRecord {
  if (lab) return lab;
  throw new RetuneError("usage", `There is no lab project ${labId}. Open it from Home.`);
}

function existingRun(run: LabRunRecord | undefined, runId: string): LabRunRecord {
  if (run) return run;
  throw new RetuneError("usage", `There is no run ${runId}. It may have been discarded.`);
}
