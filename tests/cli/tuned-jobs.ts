import { cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CounterRandom } from "../../src/domain/random.ts";

const FORMATS = fileURLToPath(new URL("../fixtures/formats", import.meta.url));
const WORDS = "leave days employees revenue quarter retrieval documents robots private company fox dog".split(
  " ",
);

/** A folder with texts, router data, pairs and the tiny fixture models: what the jobs of every task read. */
export function tunedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "retune-tuned-"));
  for (const name of ["tiny-bert", "st-tiny-5x", "cross-encoder-tiny"]) {
    cpSync(join(FORMATS, name), join(folder, name), { recursive: true });
  }
  writeFileSync(join(folder, "train.json"), JSON.stringify(datasetOf("train", 12, 1)));
  writeFileSync(join(folder, "validation.json"), JSON.stringify(datasetOf("test", 6, 2)));
  writeFileSync(join(folder, "router.json"), JSON.stringify(routerData()));
  writeFileSync(join(folder, "pairs.csv"), pairs());
  return folder;
}

function datasetOf(name: string, documents: number, seed: number): object {
  const random = CounterRandom.stream(seed, 5);
  const word = (): string => WORDS[Math.floor(random.uniform() * WORDS.length)]!;
  const ids = Array.from({ length: documents * 2 }, (_, index) => `${name}-p${index}`);
  const words = ids.map(() => Array.from({ length: 8 }, word));
  const asked = ids.flatMap((id, index) => [0, 1].map((turn) => ({ id, index, turn })));
  const question = ({ index, turn }: (typeof asked)[number]): string =>
    `what ${words[index]![turn]} before ${words[index]![turn + 2]} ${name} ${index}`;
  const key = ({ index, turn }: (typeof asked)[number]): string => `${name}-q${index}-${turn}`;
  return {
    queries: Object.fromEntries(asked.map((each) => [key(each), question(each)])),
    corpus: Object.fromEntries(
      ids.map((id, index) => [id, `the ${words[index]!.join(" ")} ${name} ${index}`]),
    ),
    relevant_docs: Object.fromEntries(asked.map((each) => [key(each), [each.id]])),
    documents: Object.fromEntries(ids.map((id, index) => [id, `${name}-d${index >> 1}`])),
    mode: "text",
  };
}

function routerData(): object {
  const choices = ["leave", "revenue", "retrieval"].map((name) => ({
    ...{ id: name, name, description: `every ${name} of the company` },
  }));
  const examples = Array.from({ length: 78 }, (_, index) => {
    const choice = choices[index % 3]!.id;
    return index < 72
      ? { id: `e${index}`, text: `what ${choice} before the quarter ${index}`, choices: [choice] }
      : { id: `e${index}`, text: `the lazy dog ${index}`, choices: [] };
  });
  return { choices, examples };
}

function pairs(): string {
  const rows = Array.from({ length: 40 }, (_, index) => {
    const word = WORDS[index % WORDS.length]!;
    const other = WORDS[(index + 5) % WORDS.length]!;
    const right = index % 2 === 0;
    return `what ${word} ${index >> 1},the ${right ? word : other} of the company ${index},${right ? 1 : 0}`;
  });
  return ["query,context,score", ...rows, ""].join("\n");
}
