import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { keepConsole } from "./everything-kept.ts";
import { HOSTILE_TEXTS } from "./hostile-texts.ts";
import {
  chooseFiles,
  createProject,
  freshPage,
  openFaultBrowser,
  startRun,
  waitForResults,
} from "./studio-actions.ts";
import { storedRecords } from "./stored.ts";
import { openTeacherServer } from "./teacher-server.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openFaultBrowser();
});
afterAll(() => browser.close());

const IMAGE = HOSTILE_TEXTS[2]!;
const file = (name: string, mimeType: string, text: string) => ({
  name,
  mimeType,
  buffer: Buffer.from(text),
});

/** Every text as question, as passage, as document, as heading and, where a file system allows it, as file name. */
function hostileFiles() {
  const pair = HOSTILE_TEXTS.map((text, row) => [`id ${row} ${text}`, text] as const);
  const queries = Object.fromEntries(pair);
  const corpus = Object.fromEntries(pair.map(([id, text]) => [id, `Passage about pump ${id}: ${text}`]));
  const relevant = Object.fromEntries(pair.map(([id]) => [id, [id]]));
  const dataset = JSON.stringify({ queries, corpus, relevant_docs: relevant, mode: "text" });
  const document = HOSTILE_TEXTS.map((text) => `# ${text}\n\nThe pump is checked at night. ${text}\n`).join(
    "\n",
  );
  const names = HOSTILE_TEXTS.filter((text) => !/[/\\]/.test(text));
  return [
    file(`${IMAGE}.json`, "application/json", dataset),
    file(`document ${IMAGE}.md`, "text/markdown", document),
    file(
      `page ${IMAGE}.html`,
      "text/html",
      `<h1>Pump</h1><p>Checked at night.</p>${HOSTILE_TEXTS.join("<p>x</p>")}`,
    ),
    file(`broken ${IMAGE}.json`, "application/json", `{"queries": {"a": "${IMAGE}", }`),
    ...names.map((name, row) => file(`${row} ${name}.txt`, "text/plain", `The valve opens. ${name}`)),
  ];
}

/** Nothing became code, and no text became an element that could. */
async function expectHarmless(page: Page, where: string): Promise<void> {
  const found = await page.evaluate(() => ({
    ran: (globalThis as { __xss?: unknown }).__xss ?? null,
    refused: (globalThis as { violations?: string[] }).violations ?? [],
    handlers: [...document.querySelectorAll("*")]
      .filter((element) => element.getAttributeNames().some((name) => name.startsWith("on")))
      .map((element) => element.outerHTML.slice(0, 120)),
    addresses: [...document.querySelectorAll("[href], [src], [action]")]
      .map((element) => ["href", "src", "action"].map((name) => element.getAttribute(name) ?? "").join(""))
      .filter((address) => /^\s*(javascript|data:text)/i.test(address)),
    foreign: document.querySelectorAll(
      "main iframe, main object, main embed, main script, main base, main img",
    ).length,
  }));
  expect(found, where).toEqual({ ran: null, refused: [], handlers: [], addresses: [], foreign: 0 });
}

describe("E6: texts that want to be code", () => {
  test("50 of them as document, file, project, model, question, search and server's answer stay texts", async () => {
    const teacher = await openTeacherServer();
    const { context, page } = await freshPage(browser);
    const lines = keepConsole(context);
    const dialogs: string[] = [];
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.addInitScript(() => {
      const violations: string[] = [];
      Object.assign(globalThis, { violations });
      document.addEventListener("securitypolicyviolation", (event) => {
        violations.push(event.violatedDirective);
      });
    });
    const root = `${inject("studioUrl")}/connected/`;
    const project = await createProject(page, IMAGE, root);
    const visit = async (rest: string, shown: RegExp | string): Promise<void> => {
      await page.goto(`${root}#/${rest}`);
      await page.getByText(shown).first().waitFor();
      await expectHarmless(page, rest);
    };
    await chooseFiles(page, hostileFiles());
    await page.getByRole("heading", { name: "Last import" }).waitFor();
    await expectHarmless(page, "the import's report");
    expect(await page.getByText(`document ${IMAGE}.md`).count()).toBeGreaterThan(0);
    expect(await page.getByText("The JSON is broken").count()).toBe(1);

    await page.getByText("Add an embedding endpoint").click();
    await page.getByLabel("Endpoint (OpenAI-compatible)").fill(teacher.url);
    await page.getByLabel("Model", { exact: true }).fill(IMAGE);
    await page.getByLabel("Key (kept in memory only)").fill("<img/src/onerror=window.__xss=60>");
    teacher.refuseEmbeddings = true;
    await page.getByRole("button", { name: "Use this endpoint" }).click();
    await page
      .getByRole("alert")
      .getByText(/answered 401/)
      .waitFor();
    await expectHarmless(page, "a server's refusal");
    teacher.refuseEmbeddings = false;
    await page.getByRole("button", { name: "Use this endpoint" }).click();
    const chosen = page.getByRole("combobox", { name: "Embedding model" });
    await expect.poll(() => chosen.locator("option:checked").innerText()).toContain(IMAGE);

    await visit(`p/${project}/data/chunks`, "The pump is checked at night.");
    await visit(`p/${project}/data/questions`, HOSTILE_TEXTS[0]!);
    for (const text of HOSTILE_TEXTS.slice(0, 5)) {
      await page.getByRole("list", { name: "Questions" }).getByText(text, { exact: true }).click();
      await expectHarmless(page, `question ${text}`);
    }
    const run = await startRun(page, { epochs: 1 });
    await waitForResults(page, run);
    await page.getByRole("tab", { name: "Queries" }).click();
    await page.getByRole("list", { name: "Questions" }).getByRole("button").first().click();
    await page.getByRole("dialog").getByRole("heading", { name: "Right passage" }).waitFor();
    await expectHarmless(page, "a question's result");
    await page.keyboard.press("Escape");

    await visit(`p/${project}/playground`, /test questions/);
    for (const text of HOSTILE_TEXTS.slice(0, 8)) {
      await page.getByRole("searchbox", { name: "Ask your documents" }).fill(text);
      await page.getByRole("button", { name: "Search", exact: true }).click();
      await page.getByRole("heading", { name: "Base", exact: true }).waitFor();
      await expectHarmless(page, `search for ${text}`);
    }
    await visit(`p/${project}/models`, "Tuned here");
    await visit("", IMAGE);
    for (const text of HOSTILE_TEXTS.slice(0, 12)) {
      await page.goto(
        `${root}#/p/${encodeURIComponent(text)}/results/${encodeURIComponent(text)}?row=${text}`,
      );
      await expectHarmless(page, `address ${text}`);
    }

    const questions = JSON.stringify((await storedRecords(page, "questions")).map(({ value }) => value));
    const kept = HOSTILE_TEXTS.filter((text) => questions.includes(JSON.stringify(text.trim()).slice(1, -1)));
    expect(kept.length).toBeGreaterThan(40); // they were really there
    expect(dialogs).toEqual([]);
    expect(lines.filter((line) => /Content Security Policy|Trusted|Refused to/i.test(line))).toEqual([]);
    await context.close();
    await teacher.close();
  });
});
