// Trains: owns the GPU device or the WASM kernels, and the checkpoints of the run it trains.
import { browserBackends } from "../src/app/backends/browser-backends.ts";
import { privateModelFolders } from "../src/app/encoders/folder-store.ts";
import { trainHandlers } from "../src/app/services/handlers.ts";
import { TrainService } from "../src/app/services/train-service.ts";
import { startWorker } from "../src/app/services/worker-start.ts";
import { freeBytes } from "../src/app/storage/quota.ts";

startWorker(({ workspace, site, tell }) => {
  const folders = privateModelFolders(() => navigator.storage.getDirectory());
  const backends = browserBackends();
  return trainHandlers(new TrainService({ workspace, site, folders, backends, tell, freeBytes }));
});
