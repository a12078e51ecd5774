import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from "idb";
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
];

export function migrate(database: Database, from: number, transaction: UpgradeTransaction): void {
  for (const migration of MIGRATIONS.slice(from)) migration(database, transaction);
}
