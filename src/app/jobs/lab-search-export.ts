import {
  compareAdapters,
  readAdapterFolder,
  readAdapterSafetensors,
  writeAdapterFolder,
  writeAdapterSafetensors,
} from "../../domain/formats/adapter-folder.ts";
import type { ExportedFile } from "../studio-models.ts";
import { BlobZip } from "./blob-zip.ts";
import type { KeptSearch } from "./lab-retrieval.ts";

const FOLDER = "llamaindex";
const FILE = "adapter.safetensors";

/** The query adapter as LlamaIndex's folder and as one safetensors file, both read back and compared, with how to use it. */
export async function searchAdapterFile(stem: string, kept: KeptSearch): Promise<ExportedFile> {
  const folder = writeAdapterFolder(kept);
  compareAdapters(kept, readAdapterFolder(folder, FOLDER), FOLDER);
  const whole = writeAdapterSafetensors(kept);
  compareAdapters(kept, readAdapterSafetensors(whole, FILE), FILE);
  const zip = new BlobZip(stem);
  for (const [name, bytes] of folder) zip.add(`${FOLDER}/${name}`, bytes);
  zip.add(FILE, whole);
  zip.add("README.md", new TextEncoder().encode(readme(kept)));
  const numbers = [...kept.weights.values()].reduce((sum, { values }) => sum + values.length, 0);
  return zip.file(`all ${numbers.toLocaleString("en")} numbers read back equal bit for bit`);
}

/** Bytes of the two forms together, nearly. */
export function searchAdapterBytes({ weights }: KeptSearch): number {
  return 2 * [...weights.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
}

function readme({ config: { features }, divergence }: KeptSearch): string {
  return `# A query adapter tuned by RA-DIT

For questions only: vectors of passages stay as they are. Divergence from what the language model says of passages:
${divergence.before.toFixed(4)} nats before, ${divergence.after.toFixed(4)} after.

It was made for vectors of words hashed onto ${features} dimensions, and for no other embedding:

\`\`\`python
import math, re

def word_vector(text, dimensions=${features}):
    counts = {}
    for word in re.findall(r"[a-z0-9]+", text.lower()):
        counts[word] = counts.get(word, 0) + 1
    vector = [0.0] * dimensions
    for word, count in counts.items():
        value = 0x811C9DC5
        for letter in word:
            value = ((value ^ ord(letter)) * 0x01000193) & 0xFFFFFFFF
        value ^= value >> 16
        value = (value * 0x21F0AAAD) & 0xFFFFFFFF
        value ^= value >> 15
        vector[(value >> 1) % dimensions] += (1 if value & 1 else -1) * (1 + math.log(count))
    length = math.hypot(*vector) or 1.0
    return [number / length for number in vector]
\`\`\`

(Scripts without spaces between words are cut by Unicode's word rules first; the lines above leave them out.)
With LlamaIndex: an embedding class of your own that returns \`word_vector\` for texts, and around it
\`AdapterEmbeddingModel(base, "${FOLDER}")\`, which loads the folder beside this file and turns the vectors of questions.
`;
}
