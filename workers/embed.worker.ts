// Turns texts into vectors, with onnxruntime-web or our own kernels, into the cache of the database; scores and routes.
import { browserBackends } from "../src/app/backends/browser-backends.ts";
import { browserRuntime } from "../src/app/encoders/browser-runtime.ts";
import { privateModelFolders } from "../src/app/encoders/folder-store.ts";
import { EmbedService } from "../src/app/services/embed-service.ts";
import { embedHandlers } from "../src/app/services/handlers.ts";
import { InferenceService } from "../src/app/services/inference-service.ts";
import { TeacherService } from "../src/app/services/teacher-service.ts";
import { startWorker } from "../src/app/services/worker-start.ts";

startWorker(({ workspace, site }) => {
  const folders = privateModelFolders(() => navigator.storage.getDirectory());
  const backends = browserBackends();
  const openBackend = async () => backends.open(await workspace.backendChoice(), undefined);
  const runtime = () => browserRuntime(site);
  const embedding = new EmbedService({ workspace, site, folders, runtime, openBackend });
  const inference = new InferenceService({ workspace, site, folders, openBackend }, embedding);
  return embedHandlers(embedding, inference, new TeacherService({ workspace, folders, runtime }));
});
