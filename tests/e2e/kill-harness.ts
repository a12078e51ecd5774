import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { inject } from "vitest";
import { chromiumPath } from "../../scripts/gpu-environment.mjs";
import { CHROMIUM_FLAGS } from "./browser.ts";

export type KillKind = "worker" | "tab" | "browser";

/** What must be equal to the bit: digests of the kept adapter's tensors, and every loss. */
export interface RunOutcome {
  readonly state: string;
  readonly digests: readonly string[];
  readonly losses: readonly number[];
}

/** A Chromium whose whole process tree can be killed, over a profile that outlives it. */
export class KillableBrowser {
  private readonly profile = mkdtempSync(join(tmpdir(), "retune-kill-"));
  private process: ChildProcess | undefined;
  private browser: Browser | undefined;

  async open(): Promise<Page> {
    for (const name of readdirSync(this.profile)) {
      if (name.startsWith("Singleton")) rmSync(join(this.profile, name), { force: true });
    }
    const args = [
      ...CHROMIUM_FLAGS,
      "--headless=new",
      "--remote-debugging-port=0",
      `--user-data-dir=${this.profile}`,
      "about:blank",
    ];
    this.process = spawn(chromiumPath()!, args, { detached: true, stdio: ["ignore", "ignore", "pipe"] });
    this.browser = await chromium.connectOverCDP(await addressOf(this.process));
    return this.newPage();
  }

  async newPage(): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(inject("studioUrl"));
    return page;
  }

  get context(): BrowserContext {
    return this.browser!.contexts()[0]!;
  }

  /** SIGKILL to every process of the browser at once. */
  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.process!.once("exit", resolve));
    process.kill(-this.process!.pid!, "SIGKILL");
    await ended;
  }

  async close(): Promise<void> {
    if (this.process?.exitCode === null && this.process.signalCode === null) await this.kill();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function addressOf(process: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    process.stderr!.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const address = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
      if (address) resolve(address);
    });
    process.once("exit", () => reject(new Error(`Chromium ended before it listened: ${text.slice(-500)}`)));
  });
}

/** Kills a part of the studio while it trains; answers the page on which it goes on. */
export async function killPart(browser: KillableBrowser, page: Page, kind: KillKind): Promise<Page> {
  switch (kind) {
    case "worker": {
      const worker = page.workers().find((each) => each.url().includes("train.worker"));
      await worker!.evaluate(() => close());
      return page; // it goes on by itself
    }
    case "tab": {
      const session = await browser.context.newCDPSession(page);
      const crashed = page.waitForEvent("crash");
      session.send("Page.crash").catch(() => undefined); // its answer dies with the tab
      await crashed;
      return resumed(await browser.newPage());
    }
    case "browser":
      await browser.kill();
      return resumed(await browser.open());
  }
}

/** Home offers what was interrupted; Resume goes on with it. A run that had ended before the kill has ended. */
async function resumed(page: Page): Promise<Page> {
  await page.goto(`${inject("studioUrl")}#/`);
  if ((await readRun(page)).state === "finished") return page;
  await page
    .getByRole("button", { name: /^Resume/ })
    .first()
    .click();
  return page;
}

/** Starts the sample's run and resolves once it has saved so many checkpoints. */
export async function startSample(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Try the sample" }).click();
  await page.getByRole("heading", { name: "Run 1" }).waitFor();
}

export async function checkpointsSaved(page: Page, least: number, runId?: string): Promise<void> {
  const started = Date.now();
  while ((await readRun(page, runId)).newest < least) {
    if (Date.now() - started > 60_000) throw new Error(`no checkpoint ${least} within a minute`);
    await page.waitForTimeout(20);
  }
}

/** Waits for the end of the run and reads what it kept, straight from the database. */
export async function outcomeOf(page: Page, runId?: string): Promise<RunOutcome> {
  for (let waited = 0; waited < 120_000; waited += 100) {
    const { state, digests, losses } = await readRun(page, runId);
    if (state === "finished" || state === "failed") return { state, digests, losses };
    await page.waitForTimeout(100);
  }
  throw new Error(`the run did not end: ${JSON.stringify((await readRun(page, runId)).state)}`);
}

interface StoredRun extends RunOutcome {
  readonly newest: number; // sequence of the newest checkpoint, 0 before the first
}

/** A run, or the first one, as IndexedDB holds it. */
function readRun(page: Page, runId?: string): Promise<StoredRun> {
  return page.evaluate(async (wanted) => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open("retune");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(new Error(String(request.error)));
    });
    const all = <Row>(store: string): Promise<Row[]> =>
      new Promise((resolve, reject) => {
        const request = database.transaction(store).objectStore(store).getAll();
        request.onsuccess = () => resolve(request.result as Row[]);
        request.onerror = () => reject(new Error(String(request.error)));
      });
    interface Manifest {
      readonly runId: string;
      readonly sequence: number;
      readonly tensors: readonly { readonly name: string; readonly chunks: readonly string[] }[];
    }
    const runs = await all<{ id: string; state: string; losses: number[] }>("runs");
    const run = wanted === undefined ? runs[0] : runs.find(({ id }) => id === wanted);
    const manifests = await all<Manifest>("manifests");
    database.close();
    if (!run) return { state: "none", digests: [], losses: [], newest: 0 };
    const kept = manifests.find((manifest) => manifest.runId === `${run.id} result`);
    const own = manifests.filter((manifest) => manifest.runId === run.id);
    return {
      state: run.state,
      losses: run.losses,
      digests: (kept?.tensors ?? []).map((tensor) => `${tensor.name} ${tensor.chunks.join(" ")}`),
      newest: own.reduce((highest, manifest) => Math.max(highest, manifest.sequence), 0),
    };
  }, runId);
}
