// Trains: owns the GPU device or the WASM kernels, and the checkpoints of the run it trains.
import { browserBackends } from "../src/app/backends/browser-backends.ts";
import { trainHandlers } from "../src/app/services/handlers.ts";
import { TrainService } from "../src/app/services/train-service.ts";
import { startWorker } from "../src/app/services/worker-start.ts";

startWorker(({ workspace, tell }) => trainHandlers(new TrainService(workspace, browserBackends(), tell)));
