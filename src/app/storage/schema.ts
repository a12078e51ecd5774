import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from "idb";
import type { AdapterSettings } from "../../domain/recipes/adapter-job.ts";
import type * as lab from "./lab-records.ts";
import type * as records from "./records.ts";

export interface RetuneSchema extends DBSchema {
  settings: { key: string; value: records.SettingRecord };
  projects: { key: string; value: records.ProjectRecord };
  sources: { key: string; value: records.SourceRecord; indexes: { project: string } };
  passages: { key: [string, string, number]; value: records.PassageBlock };
  questions: { key: [string, string, number]; value: records.QuestionBlock };
  vectorKeys: { key: string; value: records.VectorKeys; indexes: { space: string } };
  vectorBlocks: { key: string; value: records.VectorBlock };
  encoders: { key: string; value: records.EncoderRecord };
  runs: { key: string; value: records.RunRecord; indexes: { project: string } };
  reports: { key: string; value: records.ReportRecord };
  manifests: { key: [string, number]; value: records.ManifestRecord };
  chunks: { key: [string, number, string, number]; value: records.ChunkRecord };
  routers: { key: string; value: records.RouterRecord };
  pairs: { key: string; value: records.PairsRecord };
  rungs: { key: string; value: records.RungRecord; indexes: { project: string } };
  models: { key: string; value: records.ModelRecord };
  findings: { key: string; value: records.FindingRecord; indexes: { project: string } };
  texts: { key: [string, string, number]; value: records.TextsBlock };
  imports: { key: string; value: records.ImportRecord; indexes: { project: string } };
  labs: { key: string; value: lab.LabRecord };
  labFiles: { key: [string, string]; value: lab.LabFileRecord };
  labRuns: { key: string; value: lab.LabRunRecord; indexes: { lab: string } };
  labResults: { key: string; value: lab.LabResultRecord };
  labModels: { key: string; value: lab.LabModelRecord };
  labAnswers: { key: [string, string]; value: lab.LabAnswerRecord };
}

export type StoreName = StoreNames<RetuneSchema>;
export type Database = IDBPDatabase<RetuneSchema>;
export type UpgradeTransaction = IDBPTransaction<RetuneSchema, StoreName[], "versionchange">;

/**
 * Append-only: migration i brings version i to i + 1. A released one is never edited; a change of the schema is a
 * new entry at the end.
 */
export const MIGRATIONS: readonly ((database: Database, transaction: UpgradeTransaction) => void)[] = [
  (database) => {
    database.createObjectStore("settings", { keyPath: "key" });
    database.createObjectStore("projects", { keyPath: "id" });
    database.createObjectStore("sources", { keyPath: "id" }).createIndex("project", "projectId");
    database.createObjectStore("passages", { keyPath: ["projectId", "sourceId", "block"] });
    database.createObjectStore("questions", { keyPath: ["projectId", "sourceId", "block"] });
    database.createObjectStore("vectorKeys", { keyPath: "block" }).createIndex("space", "space");
    database.createObjectStore("vectorBlocks", { keyPath: "block" });
    database.createObjectStore("encoders", { keyPath: "id" });
    database.createObjectStore("runs", { keyPath: "id" }).createIndex("project", "projectId");
    database.createObjectStore("reports", { keyPath: "runId" });
    database.createObjectStore("manifests", { keyPath: ["runId", "sequence"] });
    database.createObjectStore("chunks", { keyPath: ["runId", "sequence", "tensor", "part"] });
  },
  (database, transaction) => {
    database.createObjectStore("routers", { keyPath: "projectId" });
    database.createObjectStore("pairs", { keyPath: "projectId" });
    database.createObjectStore("rungs", { keyPath: "key" }).createIndex("project", "projectId");
    database.createObjectStore("models", { keyPath: "id" });
    void nameTasks(transaction);
  },
  (database) => {
    database.createObjectStore("findings", { keyPath: "key" }).createIndex("project", "projectId");
  },
  (database) => {
    database.createObjectStore("texts", { keyPath: ["projectId", "sourceId", "block"] });
    database.createObjectStore("imports", { keyPath: "id" }).createIndex("project", "projectId");
  },
  (database) => {
    database.createObjectStore("labs", { keyPath: "id" });
    database.createObjectStore("labFiles", { keyPath: ["labId", "side"] });
    database.createObjectStore("labRuns", { keyPath: "id" }).createIndex("lab", "labId");
    database.createObjectStore("labResults", { keyPath: "runId" });
    database.createObjectStore("labModels", { keyPath: "id" });
  },
  (database) => {
    database.createObjectStore("labAnswers", { keyPath: ["labId", "key"] });
  },
];

/** Runs from before there was more than one task hold an adapter's settings. */
async function nameTasks(transaction: UpgradeTransaction): Promise<void> {
  for (let cursor = await transaction.objectStore("runs").openCursor(); cursor;) {
    await cursor.update(withRecipe(cursor.value));
    cursor = await cursor.continue();
  }
}

/** A run record of any version as it is kept now. */
function withRecipe(run: records.RunRecord): records.RunRecord {
  if ((run.recipe as records.RunRecord["recipe"] | undefined) !== undefined) return run;
  const { settings, ...rest } = run as records.RunRecord & { readonly settings: AdapterSettings };
  return { ...rest, recipe: { task: "adapter", settings } };
}

export function migrate(database: Database, from: number, transaction: UpgradeTransaction): void {
  for (const migration of MIGRATIONS.slice(from)) migration(database, transaction);
}
