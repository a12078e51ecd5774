// Names, versions and licences of what the built site contains: dist/third-party.txt, as MIT, BSD and Apache-2.0 ask.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const LICENCE_FILE = /^(licen[sc]e|copying|notice)(\.\w+)?$/i;

/** One entry a dependency of package.json: name, version, licence, source, and the licence's text where the package has one. */
export function thirdPartyText(root = ".") {
  const { dependencies } = readJson(join(root, "package.json"));
  const entries = Object.keys(dependencies)
    .sort()
    .map((name) => entryOf(join(root, "node_modules", name)));
  return `Retune contains these packages.\n\n${entries.join(`\n${"-".repeat(80)}\n\n`)}`;
}

function entryOf(folder) {
  const { name, version, license, repository, homepage, author } = readJson(join(folder, "package.json"));
  const source = typeof repository === "string" ? repository : (repository?.url ?? homepage ?? "");
  const by = typeof author === "string" ? author : (author?.name ?? "");
  const texts = readdirSync(folder)
    .filter((file) => LICENCE_FILE.test(file))
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  const facts = [
    `${name} ${version}`,
    `Licence: ${license}`,
    by && `By: ${by}`,
    source && `Source: ${source}`,
  ];
  return `${[...facts.filter(Boolean), "", ...texts].join("\n").trim()}\n`;
}

function readJson(path) {
  if (!existsSync(path)) throw new Error(`${path} is missing; run npm ci`);
  return JSON.parse(readFileSync(path, "utf8"));
}
