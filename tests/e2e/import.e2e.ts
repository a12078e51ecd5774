import { readFileSync } from "node:fs";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { expectVerdict, openBrowser, openPage } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

interface DroppedFile {
  readonly name: string;
  readonly text: string;
}

/** Lets go of files over a drop zone, as a mouse would. */
async function drop(page: Page, zone: Locator, files: readonly DroppedFile[]): Promise<void> {
  const transfer = await page.evaluateHandle((dropped) => {
    const data = new DataTransfer();
    for (const file of dropped) data.items.add(new File([file.text], file.name));
    return data;
  }, files);
  await zone.dispatchEvent("drop", { dataTransfer: transfer });
}

const ROOMS = ["boiler room", "north store", "print shop", "seed loft", "tool cage", "glass house"];
const RULES = [
  "locked at six",
  "swept on Fridays",
  "counted twice a month",
  "kept below twelve degrees",
  "open to guests",
];

/** A made-up document whose sections differ enough to be told apart. */
function handbook(part: number): string {
  const sections = ROOMS.map((room, index) => {
    const rule = RULES[(index + part) % RULES.length]!;
    const number = 100 * part + 7 * index + 3;
    return `## The ${room} of site ${part}\n\nThe ${room} of site ${part} is ${rule}. A ${room} permit ${number} means that one person may carry the key for ${2 + index} hours. Since 20${10 + part} the ${room} has been looked after by warden group ${number + 11}, which answers within ${3 + index} days.`;
  });
  return `# Site ${part}\n\n${sections.join("\n\n")}\n`;
}

const asText = (markdown: string): string => markdown.replaceAll("#", "").trim();
const asHtml = (markdown: string): string =>
  `<!doctype html><title>Site</title><main>${markdown
    .split("\n\n")
    .map((block) =>
      block.startsWith("#") ? `<h2>${block.replaceAll("#", "").trim()}</h2>` : `<p>${block}</p>`,
    )
    .join("")}</main>`;

async function newProject(page: Page, name: string): Promise<void> {
  await page.goto(inject("studioUrl"));
  await page.getByRole("button", { name: "Import documents" }).click();
  await page.getByRole("textbox", { name: "Name of the project" }).fill(name);
  await page.getByRole("button", { name: "Create the project" }).click();
  await page.getByRole("heading", { level: 1, name: "Data" }).waitFor();
}

test("own documents: dropped, cut, asked by rules, trained, judged and exported", async () => {
  const { page, problems } = await openPage(browser);
  await newProject(page, "Sites <b>one</b> & two");
  const zone = page.getByRole("group", { name: "Drop documents or a dataset here" });
  await drop(page, zone, [
    { name: "one.md", text: handbook(1) },
    { name: "two.txt", text: asText(handbook(2)) },
    { name: "three.html", text: asHtml(handbook(3)) },
    { name: "four.md", text: handbook(4) },
    { name: "five.md", text: handbook(5) },
    { name: "broken.json", text: '{"queries": {"q1": "why"' },
  ]);
  await page.getByText("not imported").waitFor();
  await page
    .getByText(/broken\.json/)
    .first()
    .waitFor();
  const sources = page.getByRole("list", { name: "Sources" }).getByRole("listitem");
  await expect.poll(() => sources.count()).toBe(5);

  await page.getByRole("tab", { name: /Chunks/ }).click();
  await page.getByRole("spinbutton", { name: "Longest chunk, in tokens" }).fill("96");
  await page.keyboard.press("Tab");
  await page.getByRole("button", { name: "Use these chunks" }).click();
  await page.getByText("These chunks are in use.").waitFor();

  await page.getByRole("tab", { name: /Questions/ }).click();
  await page.getByRole("button", { name: "Write them" }).click();
  await page.getByRole("searchbox", { name: "Find in questions" }).waitFor({ timeout: 60_000 });
  const written = Number(/\d+/.exec((await page.getByText(/^\d+ questions$/).textContent()) ?? "")?.[0]);
  expect(written).toBeGreaterThanOrEqual(40);

  await page.getByRole("link", { name: "Go to Train" }).click();
  await page.getByText("Launches per step").waitFor();
  await page.getByRole("button", { name: "Start training" }).click();
  await expectVerdict(page);

  await page.getByRole("link", { name: "Export" }).click();
  for (const format of [/LlamaIndex adapter/, /^safetensors/, /fusion\.json/, /Metrics/]) {
    await page.getByRole("button", { name: "Export Run 1" }).click();
    const saved = page.waitForEvent("download");
    await page.getByRole("dialog").getByRole("button", { name: format }).click();
    const name = (await saved).suggestedFilename();
    await page.getByText(`${name} saved:`).waitFor();
  }
  expect(problems).toEqual([]);
});

test("a labelled dataset is divided by document, and a project file brings everything to another browser", async () => {
  const { page, problems } = await openPage(browser);
  await newProject(page, "Labelled");
  await page
    .getByLabel("Choose files")
    .first()
    .setInputFiles({
      name: "handbook.json",
      mimeType: "application/json",
      buffer: readFileSync("public/samples/handbook/train.json"),
    });
  await page.getByRole("list", { name: "Sources" }).getByText("handbook.json").waitFor();
  await page.getByRole("tab", { name: /Questions/ }).click();
  await page.getByText(/^\d+ questions$/).waitFor();
  await page.getByRole("link", { name: "Models" }).click();
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Project .zip" }).click();
  const path = await (await saved).path();
  expect(problems).toEqual([]);

  const other = await openPage(browser);
  await other.page.goto(inject("studioUrl"));
  await other.page.getByLabel("Open project .zip").setInputFiles({
    name: "labelled.zip",
    mimeType: "application/zip",
    buffer: readFileSync(path),
  });
  await other.page.getByRole("heading", { level: 1, name: "Data" }).waitFor();
  await other.page.getByRole("list", { name: "Sources" }).getByText("handbook.json").waitFor();
  expect(other.problems).toEqual([]);
});
