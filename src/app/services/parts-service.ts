import { pairsOf } from "../../domain/data/rerank-dataset.ts";
import { readRerankPairs } from "../../domain/formats/rerank-pairs.ts";
import { readRouterData, writeRouterData } from "../../domain/formats/router-data.ts";
import { RetuneError } from "../../engine/errors.ts";
import { judgeRung } from "../jobs/judge-rung.ts";
import { lossNeeds } from "../jobs/loss-needs.ts";
import { pairsReport } from "../jobs/pairs-report.ts";
import type { DataMethods, SentBytes } from "../protocol/calls.ts";
import type { PairsReport } from "../studio-data.ts";
import type { RouterImportReport } from "../studio-routers.ts";
import { bytesOf, dataHash, fileName } from "./data-service.ts";
import type { DataService } from "./data-service.ts";

type Of<Name extends keyof DataMethods> = DataMethods[Name]["params"];

/** Router data, scored pairs and the ladder's cheap rungs: another part of the data worker. */
export class PartsService {
  private readonly data: DataService;

  constructor(data: DataService) {
    this.data = data;
  }

  async importPairs({ projectId, file }: Of<"importPairs">): Promise<PairsReport> {
    const dataset = readRerankPairs(await bytesOf(file), file.name);
    const format = /\.jsonl?$/i.test(file.name) ? "query, context, score JSONL" : "query, context, score CSV";
    const record = { projectId, name: file.name, format, rows: pairsOf(dataset), warnings: [] };
    await this.data.workspace.parts.savePairs(record);
    return pairsReport(record);
  }

  async importRouter({ projectId, files }: Of<"importRouter">): Promise<RouterImportReport> {
    const contents = await Promise.all(
      files.map(async (file) => ({ name: file.name, content: await bytesOf(file) })),
    );
    const { dataset, warnings } = readRouterData(contents);
    await this.data.workspace.parts.changeRouter(projectId, (known) => ({
      projectId,
      dataset,
      split: known?.split ?? { testShare: 0.25, seed: 0 },
    }));
    return {
      choices: dataset.choices.length,
      questions: dataset.examples.length,
      warnings: warnings.map(({ message, count }) => (count > 1 ? `${message} (${count} times)` : message)),
    };
  }

  /** The router's data as JSON, read back and compared. */
  async exportRouterData({ projectId }: Of<"exportRouterData">): Promise<SentBytes> {
    const { workspace } = this.data;
    const record = await workspace.parts.router(projectId);
    if (!record) throw new RetuneError("too-little-data", "There are no choices to export yet.");
    const text = writeRouterData(record.dataset);
    const back = readRouterData([{ name: "router.json", content: text }]).dataset;
    if (writeRouterData(back) !== text) {
      throw new RetuneError("corrupt", "The exported router data reads back differently.");
    }
    const { name } = await workspace.projects.get(projectId);
    return {
      name: `${fileName(name)}-router.json`,
      bytes: new TextEncoder().encode(text),
      verified: `${back.choices.length} choices and ${back.examples.length} questions read back and compared`,
    };
  }

  async lossNeeds({ projectId }: Of<"lossNeeds">): Promise<DataMethods["lossNeeds"]["result"]> {
    const { train } = (await this.data.open(projectId)).data;
    return lossNeeds(train, (await this.data.workspace.parts.pairs(projectId))?.rows ?? []);
  }

  async judgeRung({ projectId, rung }: Of<"judgeRung">): Promise<null> {
    const { data } = await this.data.open(projectId);
    await judgeRung(this.data.workspace, projectId, rung, await dataHash(data));
    return null;
  }
}
