import type { LabTaskId } from "../../domain/lab/lab-task.ts";
import { RetuneError } from "../../engine/errors.ts";
import { servedModelFiles } from "../encoders/model-files.ts";
import type { LabSide } from "../studio-lab.ts";

export interface SampleFile {
  readonly side: LabSide;
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What the site serves of a system's sample. Memorising asks what was learnt; only the queries have something to forget. */
const SIDES: Readonly<Partial<Record<LabTaskId, readonly LabSide[]>>> = {
  memorise: ["train"],
  "text-to-sql": ["train", "test", "replay"],
};

const GRAMMAR: LabTaskId = "code"; // its sample has a grammar.ebnf

/** The files of a system's sample, read from the site. Throws "network" where one of them is missing. */
export async function labSample(system: LabTaskId, site: string): Promise<readonly SampleFile[]> {
  const served = servedModelFiles(system, new URL(`samples/lab/${system}/`, site).href);
  const read = async (name: string): Promise<Uint8Array> => {
    const bytes = await served.read(name);
    if (bytes) return bytes;
    throw new RetuneError(
      "network",
      `The sample's ${name} is not on this site. Reload the page, or use rows of your own.`,
    );
  };
  const grammar = system === GRAMMAR ? new TextDecoder().decode(await read("grammar.ebnf")) : null;
  const files: SampleFile[] = [];
  for (const side of SIDES[system] ?? (["train", "test"] as const)) {
    const name = `${side}.jsonl`;
    const rows = new TextDecoder().decode(await read(name)).trimEnd();
    const text = grammar === null ? rows : `${rows}\n${JSON.stringify({ grammar })}`; // holds for all rows
    files.push({ side, name, bytes: new TextEncoder().encode(`${text}\n`) });
  }
  return files;
}
