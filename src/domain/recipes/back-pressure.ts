import type { Backend } from "../../engine/backend.ts";

/**
 * Steps sent before waiting for their losses: one where computing happens in this thread, several on a GPU, where every
 * wait costs a round trip. A run stops, pauses and saves between such groups, so the number divides the 100 steps after
 * which LlamaIndex saves; results do not depend on it.
 */
export function stepsAtOnce(backend: Backend): number {
  return backend.kind === "webgpu" && !backend.software ? 10 : 1;
}
