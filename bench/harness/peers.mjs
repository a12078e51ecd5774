// Installs what only the measurements need: the JavaScript peers into bench/node_modules. Python's come with
// `npm run test:peers` (.cache/peers) and are left out where that has not run.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { havePeers, root } from "./browser.mjs";

export function installPeers() {
  if (havePeers()) return;
  console.error("installing the peers into bench/node_modules …");
  const options = { cwd: join(root, "bench"), stdio: ["ignore", "ignore", "inherit"] };
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], options);
  if (npm.status !== 0) throw new Error("npm ci in bench/ failed; see above");
}

/** Path of the peers' Python, or undefined. */
export function peerPython() {
  const python = join(root, ".cache", "peers", "bin", "python");
  return existsSync(python) ? python : undefined;
}

/** Runs a script of bench/python and returns its JSON lines. */
export function runPython(script, args = []) {
  const python = peerPython();
  if (!python) return undefined;
  const result = spawnSync(python, [join(root, "bench", "python", script), ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, OMP_NUM_THREADS: "1" },
  });
  if (result.status !== 0) throw new Error(`${script} failed`);
  const lines = result.stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line));
}
