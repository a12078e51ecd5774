// The whole way through the built studio, as one process, so that it can also run inside a network namespace that has
// nothing but loopback: sample → training → verdict → export. Prints one JSON line.
//   node tests/e2e/seal/sealed-run.mjs PROFILE_FOLDER NET_LOG_FILE
import { chromium } from "playwright-core";
import { chromiumPath } from "../../../scripts/gpu-environment.mjs";
import { serve } from "../../../scripts/serve.mjs";

const [profile, log] = process.argv.slice(2);
const { url, port, close } = await serve({ root: "dist" });
const context = await chromium.launchPersistentContext(profile, {
  executablePath: chromiumPath(),
  args: [
    "--no-sandbox",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    `--log-net-log=${log}`,
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
});
const page = await context.newPage();
const violations = [];
page.on("console", (message) => {
  if (/Content Security Policy|TrustedScript|Refused to/i.test(message.text()))
    violations.push(message.text());
});
await page.goto(`${url}/`);
await page.getByRole("button", { name: "Try the sample" }).click();
await page.waitForURL(/#\/p\/[^/]+\/results/, { timeout: 180_000 });
await page.getByRole("link", { name: "Models" }).first().click();
await page
  .getByRole("button", { name: /^Export/ })
  .first()
  .click();
const download = page.waitForEvent("download");
await page
  .getByRole("dialog")
  .getByRole("button", { name: /LlamaIndex/ })
  .first()
  .click();
const exported = (await download).suggestedFilename();
const sent = await page
  .getByText(/requests sent/)
  .first()
  .innerText();
await context.close();
await close();
console.log(JSON.stringify({ port, exported, sent, violations }));
