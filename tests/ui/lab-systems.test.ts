import { expect, test } from "vitest";
import { LAB_TASK_IDS, labTask } from "../../src/domain/lab/registry.ts";
import { SYSTEMS } from "../../src/ui/messages/lab-systems.ts";

test.each(LAB_TASK_IDS)("the example row that is shown for %s can be read as it stands", (id) => {
  const { example } = SYSTEMS[id];
  const name = example.startsWith("{") ? "rows.jsonl" : "rows.txt";
  const { examples, notes } = labTask(id).read(name, new TextEncoder().encode(`${example}\n`));
  expect(examples).toHaveLength(1);
  expect(notes.filter(({ skipped }) => skipped)).toEqual([]);
});
