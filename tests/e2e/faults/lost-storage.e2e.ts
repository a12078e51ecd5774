import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createProject, freshPage, openFaultBrowser } from "./studio-actions.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openFaultBrowser();
});
afterAll(() => browser.close());

const LOST = "The browser has emptied this site's storage since the last visit.";

describe("R18: storage the browser took away", () => {
  test("F14: an emptied database is told as lost, while it happens and at the next visit, and never to a new user", async () => {
    const { context, page } = await freshPage(browser);
    await page.goto(inject("studioUrl"));
    await page.getByText("No projects yet.").waitFor();
    expect(await page.getByText(LOST).count()).toBe(0);
    await createProject(page, "Mine");

    const devtools = await context.newCDPSession(page);
    const origin = new URL(inject("studioUrl")).origin;
    await devtools.send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
    await page.getByRole("alert", { name: "Storage does not answer" }).first().waitFor();

    await page.goto(`${inject("studioUrl")}/#/`);
    await page.reload();
    await page.getByText(LOST).waitFor();
    await page.reload(); // reading it once is not the end of it
    await page.getByText(LOST).waitFor();

    await createProject(page, "Restored");
    await page.reload();
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.getByText("Restored").first().waitFor();
    expect(await page.getByText(LOST).count()).toBe(0);
    await context.close();
  });
});
