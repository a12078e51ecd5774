import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { distilTask } from "../../src/domain/lab/distil/distil.ts";
import { memoriseTask } from "../../src/domain/lab/memorise/memorise.ts";
import { runCli } from "./spawn.ts";

const folder = mkdtempSync(join(tmpdir(), "retune-teach-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const data = join(folder, "data.json");
writeFileSync(
  data,
  JSON.stringify({
    queries: { q1: "How long do refunds take?", q2: "Where is the warehouse?" },
    corpus: {
      p1: "Refunds take 14 days.",
      p2: "The warehouse stands in Lyon.",
      p3: "Nobody asks about this.",
    },
    relevant_docs: { q1: ["p1"], q2: ["p2"] },
    documents: { p1: "money.md", p2: "places.md", p3: "rest.md" },
    mode: "text",
  }),
);

/** A teacher on loopback; `undefined` is a failing server. */
async function listen(answer: (prompt: string) => string | undefined): Promise<Server> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      const { messages } = JSON.parse(body) as { messages: { content: string }[] };
      const content = answer(messages.at(-1)!.content);
      response.statusCode = content === undefined ? 400 : 200;
      response.end(JSON.stringify({ choices: [{ message: { content } }] }));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return server;
}

/** The command beside this process, whose server must go on answering. */
function runBeside(argv: readonly string[]): Promise<number | null> {
  const cli = fileURLToPath(new URL("../../cli/retune.mjs", import.meta.url));
  const child = spawn(process.execPath, [cli, ...argv], {
    stdio: "ignore",
    env: { ...process.env, RETUNE_RESTARTED: undefined },
  });
  return new Promise((done) => child.on("exit", done));
}

const answerOf = (prompt: string): string => {
  if (prompt.includes("YES or NO")) return "YES";
  if (prompt.includes("in other words")) return "Is there a quicker way to ask?";
  return prompt.includes("refunds take?") ? "14 days." : "In Lyon.";
};

test("chats are answered over what a search brings, facts over their own passage, and what is there is not asked again", async () => {
  const asked: string[] = [];
  let broken = true;
  const server = await listen((prompt) => {
    asked.push(prompt);
    return broken && prompt.includes("Query: Where") ? undefined : answerOf(prompt);
  });
  const { port } = server.address() as AddressInfo;
  const teacher = ["--endpoint", `http://127.0.0.1:${port}/v1`, "--endpoint-model", "stub"];
  const out = join(folder, "chats.jsonl");
  try {
    expect(await runBeside(["teach", data, ...teacher, "--top-k", "1", "--out", out])).not.toBe(0);
    expect(existsSync(`${out}.rows.jsonl`)).toBe(true);
    broken = false;
    asked.length = 0;
    expect(await runBeside(["teach", data, ...teacher, "--top-k", "1", "--out", out])).toBe(0);
    expect(asked).toHaveLength(1);
    expect(existsSync(`${out}.rows.jsonl`)).toBe(false);
    const { examples } = distilTask().read("chats.jsonl", readFileSync(out));
    expect(examples.map(({ context, answer }) => [context, answer])).toEqual([
      ["Refunds take 14 days.", "14 days."],
      ["The warehouse stands in Lyon.", "In Lyon."],
    ]);
    const facts = join(folder, "facts.jsonl");
    expect(await runBeside(["teach", data, ...teacher, "--as", "facts", "--out", facts])).toBe(0);
    const read = memoriseTask().read("facts.jsonl", readFileSync(facts)).examples;
    expect(read.map(({ group }) => group)).toEqual(["money.md", "places.md"]);
    expect(read[0]).toMatchObject({
      paraphrases: ["Is there a quicker way to ask?"],
      context: "Refunds take 14 days.",
    });
  } finally {
    server.close();
  }
});

test("an unknown kind of rows is refused", () => {
  const argv = [
    "--endpoint",
    "http://127.0.0.1:9/v1",
    "--endpoint-model",
    "m",
    "--out",
    join(folder, "x.jsonl"),
  ];
  const outcome = runCli("retune", "teach", data, ...argv, "--as", "poems");
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain('--as must be chats or facts, got "poems"');
});
