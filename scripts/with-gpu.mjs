// Runs a command with the environment in which Dawn (npm `webgpu`) finds a Vulkan driver: the machine's own where
// there is one, else SwiftShader as shipped with Chromium. Both variables must stand before the process starts.
import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { gpuEnvironment } from "./gpu-environment.mjs";

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [command, ...args] = process.argv.slice(2);
  if (!command) {
    console.error("usage: node scripts/with-gpu.mjs COMMAND [ARG ...]");
    process.exit(2);
  }
  const result = spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...gpuEnvironment() } });
  process.exit(result.status ?? 1);
}
