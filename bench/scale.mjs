// 100,000 passages through the page's own workers: how long an import takes and what it holds in memory, whether the page
// answers meanwhile, and the CPU time of a question in an exact search over 100,000 × 384 vectors. The texts are made up.
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onStudioPage } from "./base.mjs";
import { browserClock, median, rendererMemory } from "./harness/cpu-time.mjs";
import { printTable, rounded } from "./harness/table.mjs";

const PASSAGES = 100_000;
const DOCUMENTS = 10_000;
const DIMENSIONS = 384;
const QUESTIONS = 20;

/** A number from 0 to 1 by a counter, the same on every machine. */
function random(counter) {
  let value = Math.imul(counter ^ 0x9e3779b9, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return ((value ^ (value >>> 16)) >>> 0) / 2 ** 32;
}

const SYLLABLES = [
  "ba",
  "cor",
  "den",
  "fi",
  "gal",
  "hum",
  "jo",
  "kel",
  "lor",
  "min",
  "nar",
  "or",
  "pel",
  "qui",
  "ras",
];

/** Words as frequent as those of a language: the few short ones make half of every text. */
function word(counter) {
  let rank = Math.floor(30_000 ** random(counter));
  let text = SYLLABLES[rank % SYLLABLES.length];
  while ((rank = Math.floor(rank / SYLLABLES.length)) > 0) text += SYLLABLES[rank % SYLLABLES.length];
  return text;
}

/** Seven sentences, a hundred words in all. */
function passage(index) {
  const sentences = Array.from({ length: 7 }, (_, sentence) => {
    const words = Array.from({ length: 14 }, (_, place) => word(index * 128 + sentence * 14 + place)).join(
      " ",
    );
    return `${words[0].toUpperCase()}${words.slice(1)}.`;
  });
  return sentences.join(" ");
}

function writeRows(file) {
  const open = openSync(file, "w");
  for (let start = 0; start < PASSAGES; start += 1000) {
    const rows = Array.from({ length: 1000 }, (_, row) => {
      const index = start + row;
      return `${JSON.stringify({ id: `p${index}`, document: `d${index >> 4}`, text: passage(index) })}\n`;
    });
    writeSync(open, rows.join(""));
  }
  closeSync(open);
}

function writeVectors(file) {
  const shape = `{'descr': '<f4', 'fortran_order': False, 'shape': (${PASSAGES}, ${DIMENSIONS}), }`;
  const header = `${shape.padEnd(117)}\n`;
  const start = Buffer.alloc(10);
  start.write("\x93NUMPY\x01\x00", "latin1");
  start.writeUInt16LE(header.length, 8);
  const open = openSync(file, "w");
  writeSync(open, Buffer.concat([start, Buffer.from(header, "latin1")]));
  for (let row = 0; row < PASSAGES; row += 1000) {
    const values = Float32Array.from(
      { length: 1000 * DIMENSIONS },
      (_, at) => random(row * DIMENSIONS + at) - 0.5,
    );
    writeSync(open, Buffer.from(values.buffer));
  }
  closeSync(open);
}

function writeDocuments(folder) {
  mkdirSync(folder);
  for (let index = 0; index < DOCUMENTS; index++) {
    const part = join(folder, `part${index % 100}`);
    mkdirSync(part, { recursive: true });
    writeFileSync(join(part, `note${index}.txt`), `${passage(index + PASSAGES)}\n`);
  }
}

/** Puts a file input into the page, so that files stay on the disk until they are read. */
async function choose(page, name, path, folder = false) {
  await page.evaluate(
    ([id, whole]) => {
      const input = document.createElement("input");
      input.type = "file";
      input.id = id;
      input.webkitdirectory = whole;
      document.body.append(input);
    },
    [name, folder],
  );
  await page.locator(`#${name}`).setInputFiles(path);
}

/** Imports what was chosen; the longest time in which the page did not get to run, and the memory of the renderer. */
async function importChosen(page, name, project) {
  await collectGarbage(page);
  const before = rendererMemory();
  let highest = before;
  const watch = setInterval(() => (highest = Math.max(highest, rendererMemory())), 100);
  const clock = browserClock();
  const cpu = clock();
  const measured = await page.evaluate(
    async ([id, title]) => {
      const { studio } = globalThis;
      const { id: projectId } = await studio.createProject(title);
      let [longest, last] = [0, performance.now()];
      const beat = setInterval(() => {
        const now = performance.now();
        longest = Math.max(longest, now - last);
        last = now;
      }, 10);
      const started = performance.now();
      await studio.addFiles(projectId, [...document.getElementById(id).files]);
      clearInterval(beat);
      return { projectId, longest, seconds: (performance.now() - started) / 1000 };
    },
    [name, project],
  );
  const figures = { ...measured, cpuSeconds: (clock() - cpu) / 1000, peak: highest - before };
  const opened = await page.evaluate(async (projectId) => {
    const { passages } = await globalThis.studio.project(projectId);
    const started = performance.now();
    await globalThis.studio.project(projectId);
    return { passages, again: performance.now() - started };
  }, measured.projectId);
  clearInterval(watch);
  const open = highest - before;
  await collectGarbage(page);
  return { ...figures, ...opened, open, kept: rendererMemory() - before };
}

/** In the page and its workers: what is still held afterwards is held on purpose. */
async function collectGarbage(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("HeapProfiler.collectGarbage");
  const browser = await page.context().browser().newBrowserCDPSession();
  const { targetInfos } = await browser.send("Target.getTargets");
  for (const { targetId } of targetInfos.filter(({ type }) => type === "worker")) {
    const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: false });
    const message = JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" });
    await browser.send("Target.sendMessageToTarget", { sessionId, message });
  }
  await new Promise((done) => setTimeout(done, 3000));
}

/** CPU milliseconds of questions in a dense search; a passage's own text is a question whose vector is known. */
async function searchChosen(page, name, projectId) {
  await page.evaluate(
    ([id, project]) =>
      globalThis.studio.importVectors(project, "train", "corpus", document.getElementById(id).files[0]),
    [name, projectId],
  );
  const ask = (index) =>
    page.evaluate(
      async ([project, text]) => {
        const request = { text, view: "dense", top: 10 };
        const { base, milliseconds } = await globalThis.studio.search(project, request);
        return { first: base[0].passageId, milliseconds };
      },
      [projectId, passage(index)],
    );
  await ask(0); // reads the vectors
  const clock = browserClock();
  const samples = [];
  for (let question = 1; question <= QUESTIONS; question++) {
    const cpu = clock();
    const { first, milliseconds } = await ask(question * 991);
    if (first !== `p${question * 991}`) throw new Error(`question ${question} found ${first} first`);
    samples.push({ cpu: clock() - cpu, wall: milliseconds });
  }
  return { cpu: median(samples.map(({ cpu }) => cpu)), wall: median(samples.map(({ wall }) => wall)) };
}

const megabytes = (bytes) => rounded(bytes / 1e6);

export async function measurePart() {
  const folder = mkdtempSync(join(tmpdir(), "retune-scale-"));
  try {
    process.stderr.write("making up passages, vectors and documents …\n");
    writeRows(join(folder, "passages.jsonl"));
    writeVectors(join(folder, "vectors.npy"));
    writeDocuments(join(folder, "notes"));
    const measured = await onStudioPage(async (page) => {
      await choose(page, "rows", join(folder, "passages.jsonl"));
      await choose(page, "vectors", join(folder, "vectors.npy"));
      await choose(page, "folder", join(folder, "notes"), true);
      process.stderr.write("importing …\n");
      const rows = await importChosen(page, "rows", "rows");
      const documents = await importChosen(page, "folder", "documents");
      process.stderr.write("searching …\n");
      return { rows, documents, search: await searchChosen(page, "vectors", rows.projectId) };
    });
    printImports([
      [`${PASSAGES} passages, one JSON Lines file`, measured.rows],
      [`${DOCUMENTS} text files of a folder`, measured.documents],
    ]);
    const { cpu, wall } = measured.search;
    console.log(
      `Exact search over ${PASSAGES} × ${DIMENSIONS}: ${rounded(cpu)} CPU ms a question (all of the page's processes), ` +
        `${rounded(wall)} ms of wall time in the worker; median of ${QUESTIONS}.`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function printImports(rows) {
  const header = [
    "import",
    "seconds",
    "CPU s",
    "MB at most",
    "MB at most, then opened",
    "MB kept",
    "page held up, ms",
    "opened again, ms",
  ];
  const cells = rows.map(([name, row]) => [
    `${name} (${row.passages} in)`,
    rounded(row.seconds),
    rounded(row.cpuSeconds),
    megabytes(row.peak),
    megabytes(row.open),
    megabytes(row.kept),
    rounded(row.longest),
    rounded(row.again),
  ]);
  printTable("Many passages", header, cells);
}
