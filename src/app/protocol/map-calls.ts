import type { MapRequest, MapView } from "../studio-map.ts";

interface OfMap {
  readonly projectId: string;
  readonly request: MapRequest;
}

/** What the data worker is asked about maps. */
export interface MapMethods {
  /** Works the map out and keeps it; answers how many points it has. */
  readonly drawMap: { readonly params: OfMap; readonly result: number };
  readonly map: { readonly params: OfMap; readonly result: MapView | null };
}
