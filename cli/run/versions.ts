import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What computed the run: this program, Node, and what of the packages had a part. */
export function versionsOf(root: string, encoded: boolean): Readonly<Record<string, string>> {
  return {
    retune: packageVersion(root),
    node: process.versions.node,
    ...(encoded ? { "onnxruntime-web": packageVersion(join(root, "node_modules", "onnxruntime-web")) } : {}),
  };
}

function packageVersion(folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return version;
}
