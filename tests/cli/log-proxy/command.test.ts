import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { distilTask } from "../../../src/domain/lab/distil/distil.ts";
import { runCli } from "../spawn.ts";

const folder = mkdtempSync(join(tmpdir(), "retune-log-proxy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("what an app asked stands in the file at once, after what was there, and the counts are told at the end", async () => {
  const upstream = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      if (request.headers.authorization !== "Bearer sk-from-the-environment") response.statusCode = 401;
      response.end(
        JSON.stringify({ choices: [{ message: { content: "In Lyon." }, finish_reason: "stop" }] }),
      );
    });
  });
  await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", done));
  const { port } = upstream.address() as AddressInfo;
  const out = join(folder, "logs", "calls.jsonl");
  const cli = fileURLToPath(new URL("../../../cli/retune.mjs", import.meta.url));
  const argv = [cli, "log-proxy", "--endpoint", `http://127.0.0.1:${port}/v1`, "--out", out, "--port", "0"];
  try {
    for (const round of [1, 2]) {
      const child = spawn(process.execPath, argv, {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, RETUNE_RESTARTED: undefined, RETUNE_API_KEY: "sk-from-the-environment" },
      });
      const exit = new Promise<number | null>((done) => child.on("exit", done));
      let said = "";
      const url = await new Promise<string>((done) => {
        child.stdout.on("data", (part: Buffer) => {
          said += part.toString();
          const address = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(said);
          if (said.includes("\n") && address) done(address[0]);
        });
      });
      const body = JSON.stringify({ messages: [{ role: "user", content: `Where, ${round}?` }] });
      await (await fetch(`${url}/chat/completions`, { method: "POST", body })).text();
      expect(readFileSync(out, "utf8").split("\n")).toHaveLength(round);
      child.kill("SIGTERM");
      expect(await exit).toBe(0);
      expect(said).toContain(`Wrote 1 examples to ${out}\n`);
    }
    expect(readFileSync(out, "utf8")).not.toContain("sk-from-the-environment");
    expect(statSync(out).mode & 0o077).toBe(0);
    const { examples } = distilTask().read("calls.jsonl", readFileSync(out));
    expect(examples.map(({ question, answer }) => [question, answer])).toEqual([
      ["Where, 1?", "In Lyon."],
      ["Where, 2?", "In Lyon."],
    ]);
  } finally {
    upstream.close();
  }
});

test.each([
  [["--endpoint", "localhost:11434"], "is no address"],
  [["--endpoint", "https://me:secret@host/v1"], "is no address"],
  [["--endpoint", "http://host/v1", "--port", "99999"], "--port must be a whole number up to 65535"],
  [
    ["--endpoint", "http://host/v1", "--allow-origin", "https://my.app/path"],
    "--allow-origin must be one origin",
  ],
])("%j is refused before anything is listened to", (argv, told) => {
  const { code, stderr } = runCli("retune", "log-proxy", ...argv, "--out", join(folder, "none.jsonl"));
  expect(code).toBe(2);
  expect(stderr).toContain(told);
});
