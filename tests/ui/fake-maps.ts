import type { MapRequest, MapStudio, MapView } from "../../src/app/studio-map.ts";
import { CounterRandom } from "../../src/domain/random.ts";
import { passageText, questionTexts } from "./fake-data.ts";

const PASSAGES = 180;
const QUESTIONS = 60;

/** A made-up map: six documents as clouds, questions that move towards their passages. */
export function fakeMap(request: MapRequest): MapView {
  const random = new CounterRandom(3);
  const total = PASSAGES + QUESTIONS;
  const before = new Float32Array(total * 2);
  const after = new Float32Array(total * 2);
  const right = new Int32Array(total).fill(-1);
  for (let index = 0; index < PASSAGES; index++) {
    const angle = ((index % 6) / 6) * 2 * Math.PI;
    const place = [
      Math.cos(angle) + 0.5 * (random.uniform() - 0.5),
      Math.sin(angle) + 0.5 * (random.uniform() - 0.5),
    ];
    before.set(place, index * 2);
    after.set(place, index * 2);
  }
  for (let index = PASSAGES; index < total; index++) {
    const passage = random.below(PASSAGES);
    right[index] = passage;
    const [x, y] = [before[passage * 2]!, before[passage * 2 + 1]!];
    before.set(
      [x * 0.6 + 0.3 * (random.uniform() - 0.5), y * 0.6 + 0.3 * (random.uniform() - 0.5)],
      index * 2,
    );
    after.set(
      [x * 0.93 + 0.08 * (random.uniform() - 0.5), y * 0.93 + 0.08 * (random.uniform() - 0.5)],
      index * 2,
    );
  }
  const texts = questionTexts(QUESTIONS);
  const ofPassage = (index: number): boolean => index < PASSAGES;
  const all = Array.from({ length: total }, (_, index) => index);
  return {
    method: request.method,
    runId: request.runId ?? null,
    kinds: Uint8Array.from(all, (index) => (ofPassage(index) ? 0 : index % 4 === 0 ? 2 : 1)),
    ids: all.map((index) => (ofPassage(index) ? `p${index}` : `q${index - PASSAGES}`)),
    labels: all.map((index) => (ofPassage(index) ? passageText(index) : texts[index % texts.length]!)),
    documents: all.map((index) => (ofPassage(index) ? `handbook-${index % 6}.md` : null)),
    right,
    before,
    after: request.runId === undefined ? null : after,
    explained: request.method === "pca" ? [0.21, 0.12] : null,
    leftOut: 0,
  };
}

/** Maps that are there at once. */
export class FakeMaps implements MapStudio {
  drawMap(): Promise<string> {
    return Promise.resolve("map-job");
  }

  map(_projectId: string, request: MapRequest): Promise<MapView | null> {
    return Promise.resolve(fakeMap(request));
  }
}
