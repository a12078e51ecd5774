import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { CounterRandom } from "../../../src/domain/random.ts";
import type { ProjectSummary } from "../../../src/app/studio-data.ts";
import type { StudioInThread } from "./studio-in-thread.ts";

/** A fixture folder as the files a person picks. */
export function pickedFolder(path: string): File[] {
  const files: File[] = [];
  const walk = (folder: string): void => {
    for (const name of readdirSync(folder)) {
      const full = join(folder, name);
      if (statSync(full).isDirectory()) walk(full);
      else files.push(fileAt(full, `${path.split("/").at(-1)!}/${relative(path, full)}`));
    }
  };
  walk(path);
  return files;
}

function fileAt(path: string, inside: string): File {
  const file = new File([readFileSync(path)], inside.split("/").at(-1)!);
  Object.defineProperty(file, "webkitRelativePath", { value: inside });
  return file;
}

export const FORMATS = "tests/fixtures/formats";

const WORDS = "leave days employees revenue quarter retrieval documents robots private company fox dog".split(
  " ",
);

/** Questions that name two words of their passage, over several documents. */
export function wordDataset(name: string, documents: number, seed: number): File {
  const random = CounterRandom.stream(seed, 5);
  const word = (): string => WORDS[Math.floor(random.uniform() * WORDS.length)]!;
  const queries: Record<string, string> = {};
  const corpus: Record<string, string> = {};
  const relevant: Record<string, string[]> = {};
  const groups: Record<string, string> = {};
  for (let passage = 0; passage < documents * 2; passage++) {
    const id = `${name}-p${passage}`;
    const words = Array.from({ length: 8 }, word);
    corpus[id] = `the ${words.join(" ")} and the ${name} ${passage}`;
    groups[id] = `${name}-d${passage >> 1}`;
    for (const turn of [0, 1]) {
      const query = `${name}-q${passage}-${turn}`;
      queries[query] = `what ${words[turn]} before ${words[turn + 2]} ${name} ${passage}`;
      relevant[query] = [id];
    }
  }
  const text = JSON.stringify({ queries, corpus, relevant_docs: relevant, documents: groups, mode: "text" });
  return new File([text], `${name}.json`);
}

/** A project on generated texts whose encoder is the two-layer fixture BERT. */
export async function tinyProject({ studio }: StudioInThread): Promise<ProjectSummary & { model: string }> {
  const project = await studio.createProject("Tiny");
  await studio.addFiles(project.id, [wordDataset("train", 14, 1)], "train");
  await studio.addFiles(project.id, [wordDataset("test", 8, 2)], "test");
  const { id: model } = await studio.addModelFolder(pickedFolder(`${FORMATS}/st-tiny-5x`));
  await studio.chooseEncoder(project.id, model);
  return { ...project, model };
}
