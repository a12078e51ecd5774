// Turns texts into vectors with onnxruntime-web, into the cache of the database.
import { browserRuntime } from "../src/app/encoders/browser-runtime.ts";
import { privateModelFolders } from "../src/app/encoders/folder-store.ts";
import { EmbedService } from "../src/app/services/embed-service.ts";
import { embedHandlers } from "../src/app/services/handlers.ts";
import { startWorker } from "../src/app/services/worker-start.ts";

startWorker(({ workspace, site }) => {
  const folders = privateModelFolders(() => navigator.storage.getDirectory());
  return embedHandlers(new EmbedService({ workspace, site, folders, runtime: () => browserRuntime(site) }));
});
