import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { openBrowser, openPage } from "./browser.ts";

let browser: Browser;
let teacher: Server;
const asked: { readonly authorization: string | undefined; readonly body: string }[] = [];

beforeAll(async () => {
  browser = await openBrowser();
  teacher = createServer((request, response) => {
    const headers = { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*" };
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      if (request.method === "OPTIONS") return response.writeHead(204, headers).end();
      asked.push({ authorization: request.headers.authorization, body });
      const content =
        "1. Who looks after the seed loft at night?\n2. How long may a visitor keep the blue ticket?";
      response.writeHead(200, { ...headers, "Content-Type": "application/json" });
      return response.end(JSON.stringify({ choices: [{ message: { role: "assistant", content } }] }));
    });
  });
  await new Promise<void>((resolve) => teacher.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await browser.close();
  teacher.close();
});

const DOCUMENT =
  "# Loft\n\nThe seed loft is watched by group nine at night. Visitors carry a blue ticket for two hours.\n";

test("the connected page writes questions by an endpoint only after it was named, and counts what it sent", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(`${inject("studioUrl")}/connected/`);
  await page.getByRole("button", { name: "Import documents" }).click();
  await page.getByRole("button", { name: "Create the project" }).click();
  await page
    .getByLabel("Choose files")
    .first()
    .setInputFiles({ name: "loft.md", mimeType: "text/markdown", buffer: Buffer.from(DOCUMENT) });
  await page.getByRole("list", { name: "Sources" }).getByText("loft.md").waitFor();
  await page.getByRole("tab", { name: /Questions/ }).click();
  await page.getByRole("radio", { name: /By a model you name/ }).check();
  const { port } = teacher.address() as AddressInfo;
  await page
    .getByRole("textbox", { name: "Endpoint (OpenAI-compatible)" })
    .fill(`http://127.0.0.1:${port}/v1`);
  await page.getByRole("textbox", { name: "Model", exact: true }).fill("teacher");
  await page.getByLabel("Key (kept in memory only)").fill("secret-key");
  await page.getByText("Sends the text of 1 passage to this address").waitFor();
  expect(asked).toEqual([]);

  await page.getByRole("button", { name: "Send and write them" }).click();
  await page
    .getByRole("list", { name: "Questions" })
    .getByText("Who looks after the seed loft at night?")
    .waitFor();
  expect(asked.length).toBeGreaterThan(0);
  expect(asked[0]!.authorization).toBe("Bearer secret-key");
  expect(asked[0]!.body).toContain("watched by group nine");
  await page.getByRole("button", { name: new RegExp(`^${asked.length} requests? sent`) }).waitFor();
  expect(problems).toEqual([]);

  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  expect(kept).not.toContain("secret-key");
});

test("the sealed page offers no endpoint and leads to the connected page instead", async () => {
  const { page } = await openPage(browser);
  await page.goto(inject("studioUrl"));
  await page.getByRole("button", { name: "Import documents" }).click();
  await page.getByRole("button", { name: "Create the project" }).click();
  await page
    .getByLabel("Choose files")
    .first()
    .setInputFiles({ name: "loft.md", mimeType: "text/markdown", buffer: Buffer.from(DOCUMENT) });
  await page.getByRole("list", { name: "Sources" }).getByText("loft.md").waitFor();
  await page.getByRole("tab", { name: /Questions/ }).click();
  expect(await page.getByRole("radio", { name: /By a model you name/ }).isDisabled()).toBe(true);
  await page.getByRole("link", { name: "Open the connected page" }).click();
  await page.getByRole("radio", { name: /By a model you name/ }).waitFor();
  expect(page.url()).toContain("/connected/");
  expect(await page.getByRole("radio", { name: /By a model you name/ }).isEnabled()).toBe(true);
});

test("the connected page gets a model by its hub id: the size first, then the files, then vectors of it", async () => {
  const { page } = await openPage(browser);
  const whole: string[] = [];
  let requests = 0;
  await page.route(/^https:.*\/tiny\/bert\/resolve\/main\//, async (route) => {
    const path = new URL(route.request().url()).pathname.split("/resolve/main/")[1]!;
    requests++;
    const range = route.request().headers()["range"];
    const headers = { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*" };
    const known = ["config.json", "tokenizer.json", "tokenizer_config.json", "onnx/model.onnx"].includes(
      path,
    );
    if (!known) return route.fulfill({ status: 404, headers });
    const content = readFileSync(`tests/fixtures/formats/tiny-bert/${path}`);
    if (range === undefined) {
      whole.push(path);
      return route.fulfill({ status: 200, headers, body: content });
    }
    const part = { ...headers, "Content-Range": `bytes 0-0/${content.length}` };
    return route.fulfill({ status: 206, headers: part, body: content.subarray(0, 1) });
  });
  await page.goto(`${inject("studioUrl")}/connected/`);
  await page.getByRole("button", { name: "Import documents" }).click();
  await page.getByRole("button", { name: "Create the project" }).click();
  await page
    .getByLabel("Choose files")
    .first()
    .setInputFiles({ name: "loft.md", mimeType: "text/markdown", buffer: Buffer.from(DOCUMENT) });
  await page.getByRole("list", { name: "Sources" }).getByText("loft.md").waitFor();
  await page.getByText("Get a model from Hugging Face").click();
  await page.getByRole("textbox", { name: "Hugging Face model id" }).fill("tiny/bert");
  await page.getByRole("button", { name: "Look up" }).click();
  await page.getByText("4 files, 0.2 MB.").waitFor();
  expect(whole).toEqual(["config.json"]);

  await page.getByRole("button", { name: "Download" }).click();
  await page.waitForFunction(() =>
    [...document.querySelectorAll("option")].some(
      (option) => option.selected && option.text.includes("tiny/bert (32, fp32)"),
    ),
  );
  expect(whole).toContain("onnx/model.onnx");
  await page.getByRole("button", { name: "Embed the rest now" }).click();
  await page.getByText("1 of 1 vector ready.").waitFor();
  await page.getByRole("button", { name: new RegExp(`^${requests} requests sent`) }).waitFor();
});
