import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectedHeaders, sealedHeaders } from "../../scripts/headers.mjs";
import { serve } from "../../scripts/serve.mjs";

let folder = "";
let server: Awaited<ReturnType<typeof serve>>;
const KINDS = [
  "/",
  "/assets/app.js",
  "/assets/embed.worker.js",
  "/ort/ort.wasm",
  "/sw.js",
  "/models/a/m.onnx",
  "/gone",
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "retune-serve-"));
  for (const name of ["assets", "ort"]) mkdirSync(join(folder, "dist", name), { recursive: true });
  mkdirSync(join(folder, "models/a"), { recursive: true });
  for (const file of ["index.html", "assets/app.js", "assets/embed.worker.js", "ort/ort.wasm", "sw.js"]) {
    writeFileSync(join(folder, "dist", file), file);
  }
  writeFileSync(join(folder, "models/a/m.onnx"), "weights");
  writeFileSync(join(folder, "secret.txt"), "secret");
  const here = process.cwd();
  server = await serve({
    root: relative(here, join(folder, "dist")),
    models: relative(here, join(folder, "models")),
  });
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function expectHeaders(response: Response, headers: Record<string, string>) {
  for (const [name, value] of Object.entries(headers)) expect(response.headers.get(name), name).toBe(value);
}

describe("E4: every response carries the policy of its page", () => {
  test.each(KINDS)("%s is sealed", async (path) => {
    const response = await fetch(server.url + path);
    expectHeaders(response, sealedHeaders());
    expect(response.status).toBe(path === "/gone" ? 404 : 200);
    expect(response.headers.get("Content-Security-Policy")).toContain("connect-src 'self';");
  });

  test.each(KINDS)("/connected%s has the connected policy and no allowlist", async (path) => {
    const response = await fetch(`${server.url}/connected${path}`);
    expectHeaders(response, connectedHeaders());
    expect(response.headers.get("Connection-Allowlist")).toBeNull();
    expect(response.status).toBe(path === "/gone" ? 404 : 200);
  });
});

describe("the server gives out what was built and nothing else", () => {
  // fetch would tidy these paths up before sending them
  const statusOf = (path: string, method = "GET") =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port: server.port, path, method }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on("error", reject).end();
    });

  test.each(["/../secret.txt", "/%2e%2e/secret.txt", "/models/../../secret.txt", "/..%2fsecret.txt", "/%zz"])(
    "%s is not found",
    async (path) => expect(await statusOf(path)).toBe(404),
  );

  test("only GET and HEAD are answered", async () => {
    expect(await statusOf("/", "POST")).toBe(405);
    expect(await statusOf("/", "HEAD")).toBe(200);
  });
});
