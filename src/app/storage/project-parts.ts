import type { Connection } from "./connection.ts";
import type { FindingRecord, PairsRecord, RouterRecord, RungRecord } from "./records.ts";

/** What a project has besides files and runs: its router's data, scored pairs, what its ladder knows and what was found. */
export class ProjectParts {
  private readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  async router(projectId: string): Promise<RouterRecord | undefined> {
    return this.connection.read(["routers"], "opening the router", (transaction) =>
      transaction.objectStore("routers").get(projectId),
    );
  }

  /** Changes the router's data in one transaction, so that two changes never meet. */
  async changeRouter(
    projectId: string,
    change: (known: RouterRecord | undefined) => RouterRecord,
  ): Promise<RouterRecord> {
    return this.connection.write(["routers"], "the router", async (transaction) => {
      const store = transaction.objectStore("routers");
      const changed = change(await store.get(projectId));
      await store.put(changed);
      return changed;
    });
  }

  async pairs(projectId: string): Promise<PairsRecord | undefined> {
    return this.connection.read(["pairs"], "opening the pairs", (transaction) =>
      transaction.objectStore("pairs").get(projectId),
    );
  }

  async savePairs(record: PairsRecord): Promise<void> {
    await this.connection.write(["pairs"], "the pairs", (tx) => tx.objectStore("pairs").put(record));
  }

  async removePairs(projectId: string): Promise<void> {
    await this.connection.write(["pairs"], "removing the pairs", (tx) =>
      tx.objectStore("pairs").delete(projectId),
    );
  }

  async rungs(projectId: string): Promise<readonly RungRecord[]> {
    return this.connection.read(["rungs"], "opening the ladder", (transaction) =>
      transaction.objectStore("rungs").index("project").getAll(projectId),
    );
  }

  async saveRung(record: RungRecord): Promise<void> {
    await this.connection.write(["rungs"], "the ladder", (tx) => tx.objectStore("rungs").put(record));
  }

  /** What was found of this kind, or undefined; with `dataHash` given, only where it was found on exactly that data. */
  async finding(
    projectId: string,
    kind: string,
    { runId, dataHash }: { readonly runId?: string; readonly dataHash?: string } = {},
  ): Promise<FindingRecord | undefined> {
    const found = await this.connection.read(["findings"], "opening findings", (transaction) =>
      transaction.objectStore("findings").get(findingKey(projectId, kind, runId)),
    );
    return dataHash !== undefined && found?.dataHash !== dataHash ? undefined : found;
  }

  /** Keeps a finding in place of the earlier one of its kind (and run). `value` is plain data. */
  async saveFinding(finding: Omit<FindingRecord, "key">): Promise<void> {
    const key = findingKey(finding.projectId, finding.kind, finding.runId);
    await this.connection.write(["findings"], "what was found", (tx) =>
      tx.objectStore("findings").put({ ...finding, key }),
    );
  }

  /** Changes a finding of a project in one transaction, so that two workers never lose each other's change. */
  async changeFinding(
    projectId: string,
    kind: string,
    change: (known: FindingRecord | undefined) => Omit<FindingRecord, "key">,
  ): Promise<FindingRecord> {
    const key = findingKey(projectId, kind, undefined);
    return this.connection.write(["findings"], "what was found", async (transaction) => {
      const store = transaction.objectStore("findings");
      const changed = { ...change(await store.get(key)), key };
      await store.put(changed);
      return changed;
    });
  }
}

function findingKey(projectId: string, kind: string, runId: string | undefined): string {
  return [projectId, kind, ...(runId === undefined ? [] : [runId])].join(" ");
}
