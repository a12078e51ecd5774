// A Vite plugin that emits sw.js: the list of the shell's files and a version over their contents, in front of
// scripts/service-worker-body.js. An own worker, because a generated one would add 180 packages (docs/decisions/004).
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { sealedHeaders } from "./headers.mjs";

const PUBLIC_SHELL = ["icons", "samples", "manifest.webmanifest"]; // of public/: what offline use needs
const ONLINE_ONLY = /\/transformers\.web-/; // fetched by the connected page when a hub is asked, never kept offline

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesBelow(join(path, name)));
}

/** @returns {import("vite").Plugin} */
export function serviceWorker() {
  return {
    name: "retune-service-worker",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const version = createHash("sha256");
        const shell = ["./"];
        for (const [name, output] of Object.entries(bundle)) {
          if (name.endsWith(".map") || ONLINE_ONLY.test(name)) continue;
          shell.push(`./${name}`);
          version.update(name).update(output.type === "chunk" ? output.code : output.source);
        }
        for (const file of PUBLIC_SHELL.flatMap((entry) => filesBelow(join("public", entry)))) {
          shell.push(`./${relative("public", file).replaceAll("\\", "/")}`);
          version.update(file).update(readFileSync(file));
        }
        const body = readFileSync("scripts/service-worker-body.js", "utf8");
        const header =
          `const VERSION = ${JSON.stringify(version.digest("hex").slice(0, 16))};\n` +
          `const SHELL = ${JSON.stringify(shell)};\n` +
          `const HEADERS = ${JSON.stringify(sealedHeaders())};\n`;
        this.emitFile({ type: "asset", fileName: "sw.js", source: header + body });
      },
    },
  };
}
