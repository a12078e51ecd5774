// Imports, chunks, questions, search, exports: everything about rows that would hold up the page.
import { browserBackends } from "../src/app/backends/browser-backends.ts";
import { privateModelFolders } from "../src/app/encoders/folder-store.ts";
import { WorkspaceModels } from "../src/app/encoders/model-source.ts";
import { DataService } from "../src/app/services/data-service.ts";
import { GateService } from "../src/app/services/gate-service.ts";
import { GenerateService } from "../src/app/services/generate-service.ts";
import { dataHandlers } from "../src/app/services/handlers.ts";
import { ImportService } from "../src/app/services/import-service.ts";
import { MapService } from "../src/app/services/map-service.ts";
import { MiningService } from "../src/app/services/mining-service.ts";
import { PartsService } from "../src/app/services/parts-service.ts";
import { ProjectFileService } from "../src/app/services/project-file-service.ts";
import { ResultService } from "../src/app/services/result-service.ts";
import { startWorker } from "../src/app/services/worker-start.ts";

startWorker(({ workspace, site }) => {
  const data = new DataService(workspace, site);
  const folders = privateModelFolders(() => navigator.storage.getDirectory());
  const openBackend = async () => browserBackends().open(await workspace.backendChoice(), undefined);
  const models = new WorkspaceModels({ workspace, site, folders });
  return dataHandlers({
    data,
    imports: new ImportService(data),
    results: new ResultService(data, models, openBackend),
    generation: new GenerateService(workspace),
    parts: new PartsService(data),
    gate: new GateService(data),
    projectFiles: new ProjectFileService(data),
    maps: new MapService(data),
    mining: new MiningService(data, models, openBackend),
  });
});
