import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { afterAll, describe, expect, inject, test } from "vitest";
import { chromiumPath } from "../../../scripts/gpu-environment.mjs";
import { CHROMIUM_FLAGS } from "../browser.ts";
import { keepConsole, placesWith, profileFilesWith, textsOf } from "./everything-kept.ts";
import { chooseFiles, createProject, startRun, waitForResults } from "./studio-actions.ts";
import { openTeacherServer } from "./teacher-server.ts";

const KEY = "sk-CANARY-4f1d9c27ab";
const profile = mkdtempSync(join(tmpdir(), "retune-secret-"));
afterAll(() => rmSync(profile, { recursive: true, force: true }));

const manual = (number: number) => ({
  name: `manual-${number}.md`,
  mimeType: "text/markdown",
  buffer: Buffer.from(
    `# Part ${number}\n\nThe ${number}th pump is checked by the night crew before the valve opens.\n`,
  ),
});

async function nameEndpoint(page: Page, url: string): Promise<void> {
  await page.getByLabel("Endpoint (OpenAI-compatible)").fill(url);
  await page.getByLabel("Model", { exact: true }).fill("mock");
  await page.getByLabel("Key (kept in memory only)").fill(KEY);
}

async function downloaded(page: Page, click: () => Promise<void>): Promise<Record<string, string>> {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return textsOf(download);
}

describe("R12: a key for an endpoint", () => {
  test("E5: writes questions and vectors, is counted when it leaves, and stands in no store, export or log", async () => {
    const teacher = await openTeacherServer();
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: chromiumPath()!,
      args: [...CHROMIUM_FLAGS],
      viewport: { width: 1280, height: 860 },
    });
    const lines = keepConsole(context);
    const page = context.pages()[0]!;
    const project = await createProject(page, "Manuals", `${inject("studioUrl")}/connected/`);
    const at = (rest: string) => page.goto(`${inject("studioUrl")}/connected/#/p/${project}/${rest}`);
    await chooseFiles(page, [1, 2, 3, 4, 5, 6].map(manual));
    await page.getByText("6 sources, 6 passages, 0 questions").waitFor();
    expect(await page.getByRole("button", { name: /0 requests sent/ }).count()).toBe(1);

    await at("data/questions");
    await page.getByRole("radio", { name: /By a model you name/ }).check();
    await nameEndpoint(page, teacher.url);
    await page.getByRole("button", { name: "Send and write them" }).click();
    await page.getByText("6 sources, 6 passages, 12 questions").waitFor();
    expect(teacher.received.every(({ authorization }) => authorization === `Bearer ${KEY}`)).toBe(true);

    await at("data/sources");
    await page.getByText("Add an embedding endpoint").click();
    await nameEndpoint(page, teacher.url);
    teacher.refuseEmbeddings = true;
    await page.getByRole("button", { name: "Use this endpoint" }).click();
    await page
      .getByRole("alert")
      .getByText(/answered 401/)
      .waitFor();
    expect(await page.getByRole("alert").innerText()).not.toContain(KEY);
    teacher.refuseEmbeddings = false;
    await page.getByRole("button", { name: "Use this endpoint" }).click();
    const chosen = page.getByRole("combobox", { name: "Embedding model" });
    await expect.poll(() => chosen.locator("option:checked").innerText()).toContain("mock");

    teacher.refuseEmbeddings = true; // a run that fails stores why
    await startRun(page, { epochs: 2 });
    await page
      .getByRole("alert")
      .getByText(/answered 401/)
      .waitFor();
    teacher.refuseEmbeddings = false;
    const run = await startRun(page, { epochs: 2 });
    await waitForResults(page, run);
    const sent = new RegExp(`^${teacher.received.length} requests sent`);
    await page.getByRole("button", { name: sent }).waitFor();

    const exports: Record<string, string> = {};
    await page.getByRole("tab", { name: "Config" }).click();
    exports["job file"] = await page.locator("pre").first().innerText();
    await at("models");
    Object.assign(
      exports,
      await downloaded(page, () => page.getByRole("button", { name: "Project .zip" }).click()),
    );
    for (const format of [/LlamaIndex/, /Report .json/]) {
      await page
        .getByRole("button", { name: /^Export/ })
        .first()
        .click();
      const one = page.getByRole("dialog").getByRole("button", { name: format }).first();
      Object.assign(exports, await downloaded(page, () => one.click()));
    }
    expect(exports["job file"]).toContain('"task": "adapter"');
    expect(Object.keys(exports).length).toBeGreaterThan(5);
    expect(Object.keys(exports).filter((name) => exports[name]!.includes(KEY))).toEqual([]);
    expect(await placesWith(page, KEY)).toEqual([]);
    expect(await placesWith(page, "night crew")).not.toEqual([]); // the search itself finds what is there
    expect(lines.filter((line) => line.includes(KEY))).toEqual([]);
    await context.close();
    expect(profileFilesWith(profile, KEY)).toEqual([]);
    await teacher.close();
  });
});
