import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { openBrowser, openPage } from "./browser.ts";
import { storedCounts } from "./faults/stored.ts";
import { KillableBrowser } from "./kill-harness.ts";

let browser: Browser;
let folder: string;
beforeAll(async () => {
  browser = await openBrowser();
  folder = mkdtempSync(join(tmpdir(), "retune-import-"));
  mkdirSync(join(folder, "notes", "inner"), { recursive: true });
  writeFileSync(join(folder, "notes", "one.md"), note(1));
  writeFileSync(join(folder, "notes", "inner", "two.txt"), note(2).replaceAll("#", ""));
  mkdirSync(join(folder, "beir", "qrels"), { recursive: true });
  for (const [name, text] of Object.entries(beirTexts())) writeFileSync(join(folder, "beir", name), text);
  mkdirSync(join(folder, "parts"));
  for (let part = 0; part < PARTS; part++)
    writeFileSync(join(folder, "parts", `part${part}.jsonl`), rowsOf(part));
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

const PARTS = 14;
const ROWS = 9000;
const CONTENT = ["sources", "passages", "questions", "texts", "imports"];
const NOTHING = { sources: 0, passages: 0, questions: 0, texts: 0, imports: 0 };

function note(number: number): string {
  return `# Note ${number}\n\nThe boiler of site ${number} is swept on Fridays by warden group ${number + 11}.\n`;
}

/** Four questions over five passages: two for training, one of each other split. */
function beirTexts(): Readonly<Record<string, string>> {
  const rows = (count: number, row: (at: number) => object): string =>
    Array.from({ length: count }, (_, at) => `${JSON.stringify(row(at))}\n`).join("");
  const qrels = (...questions: readonly number[]): string =>
    ["query-id\tcorpus-id\tscore", ...questions.map((at) => `q${at}\td${at}\t1`), ""].join("\n");
  return {
    "corpus.jsonl": rows(5, (at) => ({
      _id: `d${at}`,
      title: "",
      text: `Lot ${at} lies in hall ${at + 7}.`,
    })),
    "queries.jsonl": rows(4, (at) => ({ _id: `q${at}`, text: `Where does lot ${at} lie?` })),
    "qrels/train.tsv": qrels(0, 1),
    "qrels/dev.tsv": qrels(2),
    "qrels/test.tsv": qrels(3),
  };
}

function rowsOf(part: number): string {
  const text = "is counted twice a month and kept below twelve degrees in the north store ".repeat(4);
  return Array.from(
    { length: ROWS },
    (_, row) => `${JSON.stringify({ id: `${part}-${row}`, text: `Lot ${part}-${row} ${text}` })}\n`,
  ).join("");
}

async function newProject(page: Page): Promise<void> {
  await page.goto(inject("studioUrl"));
  await page.getByRole("button", { name: "Import documents" }).click();
  await page.getByRole("textbox", { name: "Name of the project" }).fill("Flow");
  await page.getByRole("button", { name: "Create the project" }).click();
  await page.getByText("Nothing here yet.").waitFor();
}

function input(page: Page, name: string): Locator {
  return page.locator("main").getByLabel(name, { exact: true }).and(page.locator("input"));
}

async function choose(page: Page, files: readonly { name: string; text: string }[]): Promise<void> {
  const payload = files.map(({ name, text }) => ({ name, mimeType: "", buffer: Buffer.from(text) }));
  await input(page, "Choose files").setInputFiles(payload);
}

const sources = (page: Page) => page.getByRole("list", { name: "Sources" }).getByRole("listitem");

/** Lets go of a folder of the disk over the drop zone. */
async function dropFolder(page: Page, path: string): Promise<void> {
  const box = (await page.getByRole("group", { name: "Drop documents or a dataset here" }).boundingBox())!;
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  const place = { x: box.x + box.width / 2, y: box.y + 20, data };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await devtools.send("Input.dispatchDragEvent", { type, ...place });
  }
}

/** Rows of the import are written, and it is not at its end yet. */
async function someStaged(page: Page): Promise<void> {
  const options = { timeout: 60_000, interval: 20 };
  await expect.poll(() => storedCounts(page, ["imports"]), options).toEqual({ imports: 1 });
}

test("a dropped folder comes in with its paths", async () => {
  const { page, problems } = await openPage(browser);
  await newProject(page);
  await dropFolder(page, join(folder, "notes"));
  await expect.poll(() => sources(page).count()).toBe(2);
  await sources(page).getByText("notes/one.md").waitFor();
  await sources(page).getByText("notes/inner/two.txt").waitFor();
  expect(problems).toEqual([]);
});

test("a dropped BEIR folder keeps its own splits, and says what became of each", async () => {
  const { page, problems } = await openPage(browser);
  await newProject(page);
  await dropFolder(page, join(folder, "beir"));
  await page.getByText("Its split “train”: 2 questions, to train on.").waitFor();
  await page.getByText("Its split “dev”: 1 question, to train on too").waitFor();
  await page.getByText("Its split “test”: 1 question, only to judge by, over all passages.").waitFor();
  await sources(page).getByText("beir (train)").waitFor();
  await sources(page)
    .getByText(/5 passages · 1 test question$/)
    .waitFor();
  await page.getByRole("tab", { name: "Split" }).click();
  await page.getByText("3 questions").first().waitFor();
  expect(problems).toEqual([]);
});

test("columns that do not speak for themselves are asked about, and files can be read differently afterwards", async () => {
  const { page, problems } = await openPage(browser);
  await newProject(page);
  const text = "a,b,c\nHow long is leave?,Leave lasts 25 days.,book\nWho locks up?,The warden does.,book\n";
  await choose(page, [{ name: "table.csv", text }]);
  await page.getByRole("heading", { name: "What are these files?" }).waitFor();
  await page.getByRole("cell", { name: "Leave lasts 25 days." }).waitFor();
  await page.getByLabel("Column a is").selectOption("Question");
  await page.getByLabel("Column b is").selectOption("Question");
  expect(await page.getByRole("button", { name: "Import 1 file" }).isDisabled()).toBe(true);
  await page.getByLabel("Column b is").selectOption("Right passage");
  await page.getByLabel("Column c is").selectOption("Document");
  await page.getByRole("button", { name: "Import 1 file" }).click();
  await page.getByText("1 source, 2 passages, 2 questions").waitFor();

  await page.getByRole("button", { name: "Read them differently" }).click();
  await page.getByLabel("Read table.csv as").selectOption("Plain text");
  await page.getByRole("button", { name: "Import 1 file" }).click();
  await page.getByText("1 source, 1 passage, 0 questions").waitFor();
  expect(problems).toEqual([]);
});

test("bad rows are named by line; skipped, the rest comes in and can be taken away in another format", async () => {
  const { page, problems } = await openPage(browser);
  await newProject(page);
  const row = (number: number): string =>
    `${JSON.stringify({ query: `What is ${number}?`, pos: [`${number} is a number.`], neg: ["Tea is at four."] })}\n`;
  const text = `${row(1)}${row(2)}{"query": "broken", "pos": [\n${row(3)}{"query": "none", "pos": []}\n`;
  await choose(page, [
    { name: "rows.jsonl", text },
    { name: "note.md", text: note(3) },
  ]);
  await page.getByRole("heading", { name: "2 rows cannot be read" }).waitFor();
  await page.getByText(/^Line 3:/).waitFor();
  await page.getByText(/^Line 5:/).waitFor();
  await page.getByText("Nothing here yet.").waitFor();
  await page.getByRole("button", { name: "Skip 2 bad rows and import the rest" }).click();
  await page.getByText("2 sources, 5 passages, 3 questions").waitFor();
  expect(await storedCounts(page, ["imports"])).toEqual({ imports: 0 });

  await page.getByText("Take the dataset away").click();
  await page.getByLabel("Format").selectOption("st-triplets");
  await page.getByRole("button", { name: "Prepare" }).click();
  await page.getByText(/read back and compared/).waitFor();
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: /^Save flow-train-st-triplets\.jsonl/ }).click();
  expect((await saved).suggestedFilename()).toBe("flow-train-st-triplets.jsonl");
  expect(problems).toEqual([]);
});

test("a cancelled import leaves nothing", async () => {
  const { page, problems } = await openPage(browser);
  await newProject(page);
  await input(page, "Choose a folder").setInputFiles(join(folder, "parts"));
  await someStaged(page);
  await page.getByRole("button", { name: "Cancel the import" }).click();
  await page.getByText("The import was cancelled; nothing was kept.").waitFor({ timeout: 60_000 });
  await page.getByText("Nothing here yet.").waitFor();
  expect(await storedCounts(page, CONTENT)).toEqual(NOTHING);
  expect(problems).toEqual([]);
});

test("the browser killed in the middle: nothing is there, what was read is kept, the same folder finishes it", async () => {
  const killable = new KillableBrowser();
  try {
    let page = await killable.open();
    await newProject(page);
    const address = page.url();
    await input(page, "Choose a folder").setInputFiles(join(folder, "parts"));
    await someStaged(page);
    await killable.kill();

    page = await killable.open();
    await page.goto(address);
    await page.getByText(/The import of parts stopped before its end/).waitFor({ timeout: 30_000 });
    await page.getByText("0 sources, 0 passages, 0 questions").waitFor();
    await input(page, "Choose a folder").setInputFiles(join(folder, "parts"));
    await page.getByText("14 sources, 126,000 passages, 0 questions").waitFor({ timeout: 60_000 });
    await page.getByText(/14 of 14 files · 126,000 passages · \d+ already read before/).waitFor();
    expect(await page.getByText(/stopped before its end/).count()).toBe(0);
  } finally {
    await killable.close();
  }
});
