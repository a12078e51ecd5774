import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MADE_BY } from "../../src/app/version.ts";

test("files say the version that the package has", () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  expect(MADE_BY).toBe(`Retune ${version}`);
});
