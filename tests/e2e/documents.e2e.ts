import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { docxOf, paragraph, table, zipOf } from "../domain/text/docx-files.ts";
import { column, pdfOfPages } from "../domain/text/pdf-files.ts";
import { openBrowser, openPage } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

/** Lets go of files over a drop zone, as a mouse would. */
async function drop(page: Page, zone: Locator, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const plain = [...files].map(([name, bytes]) => ({ name, bytes: [...bytes] }));
  const transfer = await page.evaluateHandle((dropped) => {
    const data = new DataTransfer();
    for (const { name, bytes } of dropped) data.items.add(new File([Uint8Array.from(bytes)], name));
    return data;
  }, plain);
  await zone.dispatchEvent("drop", { dataTransfer: transfer });
}

const HOSTILE = "<img src=x onerror=alert(1)>.pdf";
const TITLE = "/Title (<script>alert\\(1\\)</script>)";
const REMOTE =
  "/OpenAction << /S /JavaScript /JS (app.launchURL\\('https://remote.example/js'\\)) >> /AA << /WC << /S /URI /URI (https://remote.example/uri) >> >>";

test("P6, T9: PDF, DOCX and a zip are read in the page under its policy, and nothing is run or asked of anyone", async () => {
  const { page, problems } = await openPage(browser);
  const asked: string[] = [];
  page.context().on("request", (request) => {
    if (!request.serviceWorker()) asked.push(request.url()); // which keeps all of the shell for offline use
  });
  await page.goto(inject("studioUrl"));
  await page.getByRole("button", { name: "Import documents" }).click();
  await page.getByRole("textbox", { name: "Name of the project" }).fill("Papers");
  await page.getByRole("button", { name: "Create the project" }).click();
  await page.getByRole("heading", { level: 1, name: "Data" }).waitFor();
  const isReader = (url: string): boolean => /pdf|mammoth/i.test(url);
  expect(asked.filter(isReader)).toEqual([]); // the readers are loaded when the first such file is met

  const zone = page.getByRole("group", { name: "Drop documents or a dataset here" });
  const pages = [1, 2, 3].map((number) =>
    column([`The lantern of hall ${number} is lit at dusk.`, `Its keeper has key ${number}.`]),
  );
  await drop(
    page,
    zone,
    new Map([
      ["lanterns.pdf", pdfOfPages(pages, { packed: true, catalog: REMOTE })],
      [
        "lofts.docx",
        docxOf(
          paragraph("Lofts", "Heading1") + paragraph("The seed loft is dry.") + table([["Loft", "Dry"]]),
        ),
      ],
      ["scan.pdf", pdfOfPages([[], []])],
      [HOSTILE, pdfOfPages([column(["<svg onload=alert(1)> stays a word of the text."])], { info: TITLE })],
      [
        "all.zip",
        zipOf(new Map([["deep/inner.pdf", pdfOfPages([column(["A lantern from the archive."])])]])),
      ],
    ]),
  );
  const sources = page.getByRole("list", { name: "Sources" }).getByRole("listitem");
  await expect.poll(() => sources.count(), { timeout: 60_000 }).toBe(4);
  await page
    .getByText(/this is a scan/)
    .first()
    .waitFor();

  await page.getByRole("tab", { name: /Chunks/ }).click();
  await page
    .getByText(/The lantern of hall 1 is lit at dusk/)
    .first()
    .waitFor();
  await page
    .getByText(/lanterns\.pdf · page 1/)
    .first()
    .waitFor();
  await page
    .getByText(/The seed loft is dry/)
    .first()
    .waitFor();
  await page.getByText("<svg onload=alert(1)> stays a word of the text.").first().waitFor();
  await page.getByText("A lantern from the archive.").first().waitFor();
  expect(problems).toEqual([]);
  const origin = new URL(inject("studioUrl")).origin;
  expect(asked.filter((url) => !url.startsWith(origin) && !url.startsWith("blob:"))).toEqual([]);
  expect(asked.some(isReader)).toBe(true);
});
