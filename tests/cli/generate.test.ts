import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { readLlamaIndexDataset } from "../../src/domain/formats/llamaindex-dataset.ts";
import { errorLines, runCli } from "./spawn.ts";

const folder = mkdtempSync(join(tmpdir(), "retune-generate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function writeDocument(): string {
  const file = join(folder, "handbook.md");
  const section = (name: string, days: number): string =>
    `## ${name}\n\nA ${name} is the form that a branch sends to the depot when a crane stands still. ` +
    `The depot answers within ${days} working days. Rosa Quint in Havenport keeps the list of open forms. ` +
    "Forms without a crane number are sent back on the same day, and the branch has to begin again.\n";
  const names = ["amber slip", "gantry note", "quay chit"];
  writeFileSync(file, `# Forms\n\n${names.map((name, index) => section(name, index + 3)).join("\n")}`);
  return file;
}

function datasetAt(name: string) {
  return readLlamaIndexDataset(readFileSync(join(folder, name))).dataset;
}

test("rules make the same questions every time, each about a passage of its document", () => {
  const document = writeDocument();
  const outcome = runCli(
    "retune",
    "generate",
    document,
    "--max-tokens",
    "60",
    "--out",
    join(folder, "a.json"),
  );
  expect(errorLines(outcome).filter((line) => line.startsWith("retune:"))).toEqual([]);
  expect(outcome.code).toBe(0);
  const { queries, passages } = datasetAt("a.json");
  expect(queries.length).toBeGreaterThan(2);
  expect(new Set(passages.map(({ document: name }) => name))).toEqual(new Set(["handbook.md"]));
  runCli("retune", "generate", document, "--max-tokens", "60", "--out", join(folder, "b.json"));
  expect(readFileSync(join(folder, "b.json"))).toEqual(readFileSync(join(folder, "a.json")));
});

test("files of one name in two folders are two documents, a file named twice is one", () => {
  const text = readFileSync(writeDocument());
  const files = ["a/x.md", "b/deep/x.md"].map((name) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  });
  const out = join(folder, "two.json");
  const outcome = runCli("retune", "generate", ...files, files[0]!, "--max-tokens", "60", "--out", out);
  expect(outcome.code).toBe(0);
  const { passages } = datasetAt("two.json");
  const documents = passages.map(({ document }) => document);
  expect(new Set(documents)).toEqual(new Set(["a/x.md", "b/deep/x.md"]));
  const ofFirst = documents.filter((name) => name === "a/x.md").length;
  expect(documents).toHaveLength(2 * ofFirst);
  expect(new Set(passages.map(({ id }) => id)).size).toBe(passages.length);
});

test("a teacher that fails on one passage leaves the rest, and the next call asks only about that one", async () => {
  const asked: string[] = [];
  let broken = true;
  const server = await listen((prompt) => {
    asked.push(prompt);
    return broken && prompt.includes("gantry note")
      ? undefined
      : "1. What does the depot do with it?\n2. Who keeps it?";
  });
  const { port } = server.address() as AddressInfo;
  const argv = ["generate", writeDocument(), "--max-tokens", "90", "--out", join(folder, "taught.json")];
  const teacher = ["--endpoint", `http://127.0.0.1:${port}/v1`, "--endpoint-model", "stub"];
  try {
    expect(await runBeside([...argv, ...teacher])).toBe(1);
    const made = datasetAt("taught.json").queries.length;
    expect(existsSync(join(folder, "taught.json.rows.jsonl"))).toBe(true);
    broken = false;
    asked.length = 0;
    expect(await runBeside([...argv, ...teacher])).toBe(0);
    expect(asked.every((prompt) => prompt.includes("gantry note"))).toBe(true);
    const again = datasetAt("taught.json").queries;
    expect(again.flatMap(({ relevant }) => relevant).length).toBeGreaterThan(made);
    expect(existsSync(join(folder, "taught.json.rows.jsonl"))).toBe(false);
    asked.length = 0;
    writeFileSync(join(folder, "own.txt"), "Ask {num_questions_per_chunk} times: {context_str}");
    expect(await runBeside([...argv, ...teacher, "--prompt", join(folder, "own.txt")])).toBe(0);
    expect(asked[0]).toMatch(/^Ask 2 times: /);
  } finally {
    server.close();
  }
});

test.each([
  ["a file that is not there", ["none.md"], "none.md does not exist"],
  [
    "a number that is none",
    [writeDocument(), "--per-passage", "two"],
    "--per-passage must be a whole number",
  ],
  ["a prompt for rules", [writeDocument(), "--prompt", "own.txt"], "--prompt is for an endpoint"],
  ["an endpoint without a model", [writeDocument(), "--endpoint", "http://localhost:1/v1"], "go together"],
])("%s is refused", (_, argv, text) => {
  const outcome = runCli("retune", "generate", ...argv, "--out", join(folder, "none.json"));
  expect(errorLines(outcome).join("\n")).toContain(text);
  expect(outcome.code).toBe(2);
});

/** A chat endpoint on loopback; `undefined` is a failing server. */
async function listen(answer: (prompt: string) => string | undefined): Promise<Server> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      const { messages } = JSON.parse(body) as { messages: { content: string }[] };
      const content = answer(messages.at(-1)!.content);
      response.statusCode = content === undefined ? 500 : 200;
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
