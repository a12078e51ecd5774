import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { modelFolder } from "../../cli/ports/models.ts";

const tiny = fileURLToPath(new URL("../fixtures/formats/tiny-bert", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "retune-models-"));
const beside = join(root, "job");
const known = join(root, "public", "models", "known");
afterAll(() => rmSync(root, { recursive: true, force: true }));
mkdirSync(beside);
for (const folder of [join(beside, "mine"), join(beside, "known"), known]) {
  cpSync(tiny, folder, { recursive: true });
}

test("a model's folder beside the job needs no slash, and an absolute one stays where it is", async () => {
  expect(await modelFolder(root, "mine", beside)).toBe(join(beside, "mine"));
  expect(await modelFolder(root, join(beside, "mine"), "/")).toBe(join(beside, "mine"));
});

test("a known name wins over a folder of that name", async () => {
  expect(await modelFolder(root, "known", beside)).toBe(known);
});

test("a model that is nowhere is named with the places that were looked at", async () => {
  await expect(modelFolder(root, "none", beside)).rejects.toThrow(join(beside, "none"));
});
