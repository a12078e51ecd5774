// One Chromium with WebGPU (SwiftShader where there is no GPU) and the bundled measuring pages.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { build } from "vite";
import { chromiumPath, gpuEnvironment } from "../../scripts/gpu-environment.mjs";
import { browserClock, median } from "./cpu-time.mjs";
import { serve } from "./server.mjs";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const peers = join(root, "bench", "node_modules");
const bundles = join(root, ".cache", "bench");

/** Bundles bench/pages/NAME (ours with the engine's sources, or a peer's) and returns its file name. */
export async function bundlePage(name) {
  const file = name.replace(/\.(ts|mjs)$/, ".js");
  const outDir = join(bundles, file.replace(/\.js$/, ""));
  rmSync(outDir, { recursive: true, force: true });
  mkdirSync(outDir, { recursive: true });
  await build({
    root: join(root, "bench"),
    configFile: false,
    logLevel: "error",
    publicDir: false,
    // Without the extern-wasm condition onnxruntime's 14 MB of wasm would be inlined as text.
    resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "production"] },
    build: {
      outDir,
      emptyOutDir: false,
      minify: false,
      target: "esnext",
      assetsInlineLimit: 0,
      lib: { entry: join(root, "bench", "pages", name), formats: ["es"], fileName: () => "page.js" },
    },
  });
  return `/pages/${file.replace(/\.js$/, "")}/page.js`;
}

/** Chromium's arguments: those of the tests; SwiftShader only where the machine has no GPU of its own. */
export function chromiumArguments() {
  const software = gpuEnvironment().VK_ICD_FILENAMES !== undefined;
  return [
    "--no-sandbox",
    "--enable-unsafe-webgpu",
    "--enable-features=Vulkan",
    ...(software ? ["--use-webgpu-adapter=swiftshader"] : []),
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-background-timer-throttling",
  ];
}

/** Opens a fresh page in a fresh browser with the given bundle imported as `window.bench`. */
export async function openPage(bundle, { isolated = false, mounts = {} } = {}) {
  const executablePath = chromiumPath();
  if (!executablePath)
    throw new Error("Chromium is needed: apt-get install chromium, or set CHROMIUM to its path");
  const server = await serve(
    { "/pages/": bundles, "/peers/": peers, "/wasm/": join(root, "src/engine/wasm/build"), ...mounts },
    { isolated },
  );
  const browser = await chromium.launch({ executablePath, headless: true, args: chromiumArguments() });
  const page = await browser.newPage();
  page.setDefaultTimeout(900_000);
  page.on("pageerror", (error) => console.error(`[page] ${error.message}`));
  await page.goto(`${server.origin}/`);
  await page.evaluate(async (url) => {
    globalThis.bench = await import(url);
  }, bundle);
  const close = async () => {
    await browser.close();
    server.close();
  };
  return { page, close };
}

/**
 * Calls `prepare` of the page's bundle once and measures the function it returns.
 * @returns {Promise<{ firstMs: number, cpuMs: number, wallMs: number, first: number, early?: number, last: number, prepareCpuMs: number }>}
 *   per unit of work: the median CPU milliseconds and the smallest wall milliseconds of `repeats` runs of about `aimMs`
 */
export async function measure(
  page,
  prepare,
  options,
  { repeats = 5, aimMs = 400, warmUp = 3, least = 2 } = {},
) {
  const clock = browserClock();
  const prepareStart = clock();
  const wallStart = performance.now();
  const first = await page.evaluate(
    async ([name, argument]) => {
      globalThis.work = await globalThis.bench[name](argument);
      return await globalThis.work(1);
    },
    [prepare, options],
  );
  const prepareCpuMs = clock() - prepareStart;
  const firstMs = performance.now() - wallStart;
  const run = (count) => page.evaluate((n) => globalThis.work(n), count);
  const early = warmUp > 0 ? await run(warmUp) : undefined;
  const count = aimMs > 1 ? await countFor(run, aimMs, least) : least;
  const samples = [];
  let last;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const [cpu, wall] = [clock(), performance.now()];
    last = await run(count);
    samples.push({ cpu: (clock() - cpu) / count, wall: (performance.now() - wall) / count });
  }
  return {
    first,
    early,
    last,
    firstMs,
    prepareCpuMs,
    cpuMs: median(samples.map((sample) => sample.cpu)),
    wallMs: Math.min(...samples.map((sample) => sample.wall)),
  };
}

/** Units of work that take about `aimMs`. */
async function countFor(run, aimMs, least) {
  const started = performance.now();
  await run(2);
  return Math.max(least, Math.ceil(aimMs / ((performance.now() - started) / 2)));
}

/** True where the peers are installed. */
export function havePeers() {
  return existsSync(join(peers, "@jax-js", "jax", "package.json"));
}
