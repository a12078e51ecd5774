import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LAB_TASK_IDS, labTask } from "../../src/domain/lab/registry.ts";

const guide = readFileSync("docs/guide/lab.md", "utf8");
const examples = new Map(
  Array.from(guide.matchAll(/```text ([a-z-]+)\n([\s\S]*?)```/g), ([, id, rows]) => [id!, rows!]),
);

describe("the guide to the lab", () => {
  test.each(LAB_TASK_IDS)("shows rows that %s reads without a note", (id) => {
    const rows = examples.get(id);
    expect(rows).toBeDefined();
    const name = id === "react" ? "example.txt" : "example.jsonl";
    const read = labTask(id).read(name, new TextEncoder().encode(rows));
    expect(read.notes).toEqual([]);
    expect(read.examples.length).toBeGreaterThan(0);
  });

  test("shows rows of no system that is not there", () => {
    expect([...examples.keys()].filter((id) => !(LAB_TASK_IDS as readonly string[]).includes(id))).toEqual(
      [],
    );
  });
});

// Tests and files that a page for people names are there: a promise whose test is gone is no promise.
test.each(["README.md", "docs/guide/lab.md"])("%s names only what is there", (page) => {
  const text = readFileSync(page, "utf8");
  const paths = Array.from(
    text.matchAll(/`((?:tests|scripts|docs|public)\/[\w./-]+)`/g),
    ([, path]) => path!,
  );
  const links = Array.from(text.matchAll(/\]\(((?!https?:|#)[^)#]+)(?:#[^)]*)?\)/g), ([, path]) => {
    return page.includes("/") ? `${page.slice(0, page.lastIndexOf("/"))}/${path!}` : path!;
  });
  expect([...paths, ...links].filter((path) => !existsSync(path))).toEqual([]);
  expect(paths.length + links.length).toBeGreaterThan(3);
});
