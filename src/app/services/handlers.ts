import type { DataMethods, EmbedMethods, TrainMethods } from "../protocol/calls.ts";
import type { GateMethods } from "../protocol/gate-calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { DataService } from "./data-service.ts";
import type { GateService } from "./gate-service.ts";
import type { EmbedService } from "./embed-service.ts";
import type { GenerateService } from "./generate-service.ts";
import type { ImportService } from "./import-service.ts";
import type { InferenceService } from "./inference-service.ts";
import type { MapService } from "./map-service.ts";
import { miningHandlers } from "./mining-service.ts";
import type { MiningService } from "./mining-service.ts";
import type { PartsService } from "./parts-service.ts";
import type { ProjectFileService } from "./project-file-service.ts";
import type { ResultService } from "./result-service.ts";
import type { TeacherService } from "./teacher-service.ts";
import type { TrainService } from "./train-service.ts";
import { verdictDataHandlers } from "./verdict-data-service.ts";
import { verdictTrainHandlers } from "./verdict-service.ts";

// Which service answers which call: one table a worker.

/** The services of the data worker. */
export interface DataServices {
  readonly data: DataService;
  readonly imports: ImportService;
  readonly results: ResultService;
  readonly generation: GenerateService;
  readonly parts: PartsService;
  readonly gate: GateService;
  readonly projectFiles: ProjectFileService;
  readonly maps: MapService;
  readonly mining: MiningService;
}

export function dataHandlers(services: DataServices): Handlers<DataMethods> {
  const { data, imports, results, generation, parts, projectFiles, maps, mining, gate } = services;
  return {
    facts: (params) => data.facts(params),
    handOver: (params) => imports.handOver(params),
    lookAtFiles: (params) => imports.look(params),
    addFiles: imports.addFiles,
    datasetTargets: () => imports.targets(),
    exportDatasetAs: (params) => imports.exportDataset(params),
    previewChunks: (params) => data.previewChunks(params),
    applyChunks: (params) => data.applyChunks(params),
    questions: (params) => data.questions(params),
    generate: generation.generate,
    generateRouted: generation.generateRouted,
    dataset: (params) => data.dataset(params),
    exportDataset: (params) => data.exportDataset(params),
    importVectors: (params) => data.importVectors(params),
    fillSample: (params) => data.fillSample(params),
    queryVector: (params) => results.queryVector(params),
    search: (params) => results.search(params),
    weighProject: (params) => projectFiles.weigh(params),
    exportProject: (params) => projectFiles.exportProject(params),
    importProject: (params) => projectFiles.importProject(params),
    exports: (params) => results.exports(params),
    exportRun: (params) => results.exportRun(params),
    importPairs: (params) => parts.importPairs(params),
    importRouter: (params) => parts.importRouter(params),
    exportRouterData: (params) => parts.exportRouterData(params),
    judgeRung: (params) => parts.judgeRung(params),
    lossNeeds: (params) => parts.lossNeeds(params),
    importAdapter: (params) => results.importAdapter(params),
    ...gateHandlers(gate),
    drawMap: maps.draw,
    map: (params) => maps.view(params),
    ...miningHandlers(mining),
    ...verdictDataHandlers(data.workspace),
  };
}

function gateHandlers(gate: GateService): Handlers<GateMethods> {
  return {
    question: (params) => gate.question(params),
    decideQuestions: (params) => gate.decide(params),
    undoDecision: (params) => gate.undo(params),
    checkQuestions: gate.checkQuestions,
    gate: (params) => gate.gate(params),
    checkLeaks: gate.checkLeaks,
    leaks: (params) => gate.leaks(params),
    fixLeaks: (params) => gate.fixLeaks(params),
    acceptTies: (params) => gate.acceptTies(params),
  };
}

export function embedHandlers(
  service: EmbedService,
  inference: InferenceService,
  teachers: TeacherService,
): Handlers<EmbedMethods> {
  return {
    embed: service.embed,
    encode: service.encode,
    inspect: (params) => service.inspect(params),
    inspectWeights: (params) => inference.inspectWeights(params),
    rerank: inference.rerank,
    route: inference.route,
    writeQuestions: teachers.write,
    tryTeacher: teachers.tryOut,
  };
}

export function trainHandlers(service: TrainService): Handlers<TrainMethods> {
  return {
    probe: (params) => service.probe(params),
    plan: service.plan,
    train: (params) => service.train(params),
    judgeStrength: (params) => service.judgeStrength(params),
    pause: (params) => service.pause(params),
    stopAndKeep: (params) => service.stopAndKeep(params),
    ...verdictTrainHandlers((choice) => service.advice(choice)),
  };
}
