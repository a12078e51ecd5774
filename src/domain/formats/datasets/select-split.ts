import { RetuneError } from "../../../engine/errors.ts";
import type { FormatData } from "./dataset-format.ts";

/** The questions of one split, with all passages. "usage" with the splits there are where it is not one of them. */
export function selectSplit(data: FormatData, name: string): FormatData {
  const splits = data.kind === "retrieval" ? (data.splits ?? []) : [];
  const split = splits.find((each) => each.name === name);
  if (data.kind !== "retrieval" || !split) {
    const known = splits.map((each) => `${each.name} (${each.queries.length} questions)`).join(", ");
    const what = known === "" ? "this dataset has no splits" : `its splits are ${known}`;
    throw new RetuneError("usage", `there is no split "${name}": ${what}`);
  }
  const members = new Set(split.queries);
  const queries = data.dataset.queries.filter(({ id }) => members.has(id));
  const prompts = data.prompts ? { prompts: data.prompts } : {};
  return { kind: "retrieval", dataset: { queries, passages: data.dataset.passages }, ...prompts };
}
