import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { openBrowser, openPage } from "./browser.ts";

let browser: Browser;
let teacher: Server;
const asked: { readonly authorization: string | undefined; readonly prompt: string }[] = [];

beforeAll(async () => {
  browser = await openBrowser();
  teacher = createServer((request, response) => {
    const headers = { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*" };
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      if (request.method === "OPTIONS") return response.writeHead(204, headers).end();
      const { messages } = JSON.parse(body) as { messages: { content: string }[] };
      asked.push({ authorization: request.headers.authorization, prompt: messages[0]!.content });
      response.writeHead(200, { ...headers, "Content-Type": "application/json" });
      return response.end(
        JSON.stringify({ choices: [{ message: { role: "assistant", content: `Answer ${asked.length}.` } }] }),
      );
    });
  });
  await new Promise<void>((resolve) => teacher.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await browser.close();
  teacher.close();
});

const QUESTIONS = ["lofts", "tickets", "visitors"].map((word) =>
  JSON.stringify({ question: `What of ${word}?`, passages: [`All about ${word}.`], document: `${word}.md` }),
);

test("LAB: on the connected page a teacher's answers become rows to learn, and what left is counted", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(`${inject("studioUrl")}/connected/#/lab`);
  await page.getByRole("button", { name: "Use my rows for Distillation" }).click();
  await page.getByRole("button", { name: "Create the project" }).click();
  const card = page.getByRole("region", { name: "Rows made here" });
  await card.getByText("No search project has questions yet.").waitFor();
  await card.getByRole("radio", { name: "A file of questions" }).check();
  await card.getByLabel("Choose files").setInputFiles({
    name: "asked.jsonl",
    mimeType: "text/plain",
    buffer: Buffer.from(QUESTIONS.join("\n")),
  });
  const { port } = teacher.address() as AddressInfo;
  await card.getByLabel("Endpoint (OpenAI-compatible)").fill(`http://127.0.0.1:${port}/v1`);
  await card.getByLabel("Model", { exact: true }).fill("large");
  await card.getByLabel("Key (kept in memory only)").fill("secret-key");
  await card.getByText("up to 2 passages to this address").waitFor();
  expect(asked).toEqual([]);

  await card.getByRole("button", { name: "Send and ask the teacher" }).click();
  await card.getByText(/^3 of 3 questions answered; 3 requests, 1 kB, went to http:\/\/127/).waitFor();
  await page.getByText("made-here.jsonl").waitFor();
  await page
    .getByText(/^Answer \d\.$/)
    .first()
    .waitFor();
  expect(asked.map(({ authorization }) => authorization)).toEqual(Array(3).fill("Bearer secret-key"));
  expect(asked.every(({ prompt }) => prompt.includes("All about"))).toBe(true);
  await page.getByRole("button", { name: /^3 requests sent/ }).waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
});

test("LAB: the sealed page says why it asks no teacher", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(`${inject("studioUrl")}#/lab`);
  await page.getByRole("button", { name: "Use my rows for Distillation" }).click();
  await page.getByRole("button", { name: "Create the project" }).click();
  const card = page.getByRole("region", { name: "Rows made here" });
  await card.getByText("Only on the connected page").waitFor();
  await card.getByRole("link", { name: "Open the connected page" }).click();
  await card.getByRole("button", { name: "Send and ask the teacher" }).waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
});
