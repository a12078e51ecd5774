import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { describe, expect, test } from "vitest";
import { chromiumPath } from "../../../scripts/gpu-environment.mjs";
import { sealedHeaders } from "../../../scripts/headers.mjs";
import { LEAK_HTML, LEAK_NAMES, leakScript, leakWorkerScript } from "./leaks.ts";
import { foreignTargets, netLogArguments } from "./net-log.ts";
import { openSink } from "./sink.ts";

/** Opens the leaking page under the given headers; what reached the sink and what the network log saw. */
async function leakUnder(headers: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), "retune-leaks-"));
  const log = join(folder, "net-log.json");
  const sink = await openSink();
  const server = createServer((request, response) => {
    const [type, body] = request.url?.startsWith("/worker.js")
      ? ["text/javascript", leakWorkerScript(sink.url)]
      : request.url === "/leaks.js"
        ? ["text/javascript", leakScript(sink.url, sink.udpPort)]
        : ["text/html", LEAK_HTML];
    response.writeHead(200, { ...headers, "Content-Type": type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the leaking page has no port");
  const context = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: chromiumPath()!,
    args: ["--no-sandbox", ...netLogArguments(log)],
  });
  const page = await context.newPage();
  await page.goto(`http://localhost:${address.port}/`);
  await page.waitForTimeout(4_000); // the STUN client takes its time
  await context.close();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  const targets = foreignTargets(log, address.port);
  await sink.close();
  rmSync(folder, { recursive: true, force: true });
  return { paths: sink.paths, connections: sink.connections(), packets: sink.packets(), targets };
}

describe("E2: the leak detector is itself tested", () => {
  test("without a policy the leaking page is caught, by the sink and by the network log", async () => {
    const { paths, packets, targets } = await leakUnder({});
    const silent = LEAK_NAMES.filter((name) => !paths.has(name));
    // These carry no path of their own: a bare socket, UDP, and (headless) a pop-up or plug-in that is not opened.
    const pathless = ["preconnect", "webtransport", "webrtc", "window-open", "manifest", "object", "font"];
    expect(silent.filter((name) => !pathless.includes(name))).toEqual([]);
    expect(packets).toBeGreaterThan(0);
    expect(targets.length).toBeGreaterThan(20);
  });

  test("under the sealed page's headers nothing arrives: 0 connections, 0 packets", async () => {
    const { connections, packets, targets } = await leakUnder(sealedHeaders());
    expect({ connections, packets }).toEqual({ connections: 0, packets: 0 });
    expect(targets).toEqual([]);
  });
});
