// The LLM lab: reads rows, trains small language models, asks and judges them, writes what was learnt.
import { browserBackends } from "../src/app/backends/browser-backends.ts";
import { privateModelFolders } from "../src/app/encoders/folder-store.ts";
import { LabService, labHandlers } from "../src/app/services/lab-service.ts";
import { startWorker } from "../src/app/services/worker-start.ts";
import { freeBytes } from "../src/app/storage/quota.ts";

startWorker(({ workspace, site, tell }) => {
  const folders = privateModelFolders(() => navigator.storage.getDirectory());
  const backends = browserBackends();
  return labHandlers(new LabService({ workspace, site, folders, backends, tell, freeBytes }));
});
