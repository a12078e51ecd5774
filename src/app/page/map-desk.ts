import type { MapRequest, MapStudio, MapView } from "../studio-map.ts";
import type { StudioPorts } from "./studio-ports.ts";

/** Maps of a project's texts. */
export class MapDesk implements MapStudio {
  private readonly ports: Pick<StudioPorts, "jobs" | "workers">;

  constructor(ports: Pick<StudioPorts, "jobs" | "workers">) {
    this.ports = ports;
  }

  drawMap(projectId: string, request: MapRequest): Promise<string> {
    const label = request.method === "umap" ? "Drawing the map by UMAP" : "Drawing the map";
    const id = this.ports.jobs.start({ kind: "map", projectId, label }, async (control) => {
      const points = await this.ports.workers.data.call("drawMap", { projectId, request }, control);
      return `A map of ${points} texts`;
    });
    return Promise.resolve(id);
  }

  map(projectId: string, request: MapRequest): Promise<MapView | null> {
    return this.ports.workers.data.call("map", { projectId, request });
  }
}
