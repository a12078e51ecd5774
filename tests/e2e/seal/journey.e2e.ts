import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import { chromiumPath } from "../../../scripts/gpu-environment.mjs";
import { docxOf, paragraph } from "../../domain/text/docx-files.ts";
import { column, pdfOfPages } from "../../domain/text/pdf-files.ts";
import { CHROMIUM_FLAGS, expectVerdict } from "../browser.ts";
import { foreignTargets, netLogArguments } from "./net-log.ts";

interface NamedFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

const WIDTH = 92; // characters of a PDF line
const PDFS = ["buttons", "ferries", "hearth"];
const DOCXS = ["keys", "robins", "winter"];

/** A chapter of the sample handbook as headings and paragraphs. */
function chapter(name: string): readonly string[] {
  const text = readFileSync(`public/samples/handbook/documents/${name}.md`, "utf8");
  return text.split(/\n\s*\n/).map((block) => block.replace(/\s+/g, " ").trim());
}

function wrapped(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (`${lines.at(-1)!} ${word}`.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${lines.at(-1)!} ${word}`.trim();
  }
  return lines;
}

function pdf(name: string): NamedFile {
  const blocks = chapter(name).map((block) => [...wrapped(block.replace(/^#+ /, "")), " "]);
  const lines = blocks.flat();
  const pages = [];
  for (let at = 0; at < lines.length; at += 45) pages.push(column(lines.slice(at, at + 45)));
  return { name: `${name}.pdf`, mimeType: "application/pdf", buffer: Buffer.from(pdfOfPages(pages)) };
}

function docx(name: string): NamedFile {
  const body = chapter(name).map((block) =>
    block.startsWith("#") ? paragraph(block.replace(/^#+ /, ""), "Heading1") : paragraph(block),
  );
  const mimeType = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
  return { name: `${name}.docx`, mimeType, buffer: Buffer.from(docxOf(body.join(""))) };
}

/** Questions by rules from dropped files, reviewed by keyboard. */
async function prepare(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Import documents" }).click();
  await page.getByRole("textbox", { name: "Name of the project" }).fill("Journey");
  await page.getByRole("button", { name: "Create the project" }).click();
  await page.getByRole("heading", { level: 1, name: "Data" }).waitFor();
  const files = [...PDFS.map(pdf), ...DOCXS.map(docx)];
  await page.locator("input[type=file]:not([webkitdirectory])").first().setInputFiles(files);
  const sources = page.getByRole("list", { name: "Sources" });
  for (const { name } of files) await sources.getByText(name).waitFor();
  await page.getByRole("tab", { name: /Questions/ }).click();
  await page.getByRole("button", { name: "Write them" }).click();
  await page.getByRole("searchbox", { name: "Find in questions" }).waitFor({ timeout: 60_000 });
  const list = page.getByRole("list", { name: "Questions" });
  await list.waitFor();
  await list.getByRole("listitem").first().click();
  await page.keyboard.press("x"); // one is refused
  await page.keyboard.press("j");
  await page.keyboard.press("a");
}

test("a PDF and a DOCX become questions, reviewed, mined, trained on, judged and exported; nothing leaves the machine", async () => {
  const folder = mkdtempSync(join(tmpdir(), "retune-journey-"));
  const log = join(folder, "net-log.json");
  const context = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: chromiumPath()!,
    viewport: { width: 1280, height: 900 },
    args: [...CHROMIUM_FLAGS, ...netLogArguments(log)],
  });
  const page = await context.newPage();
  await page.goto(inject("studioUrl"));
  await prepare(page);

  await page.getByRole("tab", { name: /Sources/ }).click();
  await page.getByRole("button", { name: "Embed the rest now" }).click();
  await page
    .getByRole("button", { name: "Embed the rest now" })
    .waitFor({ state: "hidden", timeout: 180_000 });
  await page.getByRole("tab", { name: "Negatives" }).click();
  await page.getByRole("button", { name: "Find negatives", exact: true }).click();
  await page.getByRole("list", { name: "Questions with negatives" }).waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Accept all proposed" }).click();

  await page.getByRole("link", { name: "Go to Train" }).click();
  await page.getByText("Launches per step").waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Start training" }).click();
  await expectVerdict(page);

  const report = page.waitForEvent("download");
  await page.getByRole("button", { name: "Report" }).click();
  await page.getByRole("button", { name: "Save as a page (.html)" }).click();
  const html = readFileSync(await (await report).path(), "utf8");
  expect(html).toContain("MRR@10");
  expect(html).not.toContain("Tansy"); // no row of the person's data unless asked
  await page.keyboard.press("Escape");

  await page.getByRole("link", { name: "Export" }).click();
  await page.getByRole("button", { name: "Export Run 1" }).click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /LlamaIndex/ })
    .first()
    .click();
  await page
    .getByText(/saved:/)
    .first()
    .waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: /0 requests sent/ }).waitFor();
  await context.close();
  expect(foreignTargets(log, Number(new URL(inject("studioUrl")).port))).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});
