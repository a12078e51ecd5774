import type { Page } from "playwright-core";
import type { Scenario } from "../ui/fake-studio.ts";
import type { Control } from "./states.ts";

type Act = (page: Page) => Promise<void>;

function choose(...names: readonly string[]): Act {
  const files = names.map((name) => ({ name, mimeType: "", buffer: Buffer.from("{") }));
  return (page) => page.getByLabel("Choose files").first().setInputFiles(files);
}

const unfold =
  (...titles: readonly string[]): Act =>
  async (page) => {
    for (const title of titles) await page.locator("summary").filter({ hasText: title }).first().click();
  };

const press =
  (name: string | RegExp): Act =>
  (page) =>
    page.getByRole("button", { name }).first().click();

/** What no address alone shows: what it is, the made-up scenario, its address, what a person does, what is there then. */
export const ACTED_STATES: readonly (readonly [string, Scenario, string, Act, readonly Control[]])[] = [
  [
    "Data: columns whose names do not say what they are",
    "better",
    "#/p/p1/data/sources",
    choose("columns.csv"),
    [
      ["heading", "What are these files?"],
      ["button", "Import 1 file"],
    ],
  ],
  [
    "Data: bad rows wait for a decision",
    "better",
    "#/p/p1/data/sources",
    choose("rows.csv"),
    [
      ["button", /^Skip .* bad rows?/],
      ["button", "Leave this file out"],
    ],
  ],
  [
    "Data: what was not imported and why",
    "better",
    "#/p/p1/data/sources",
    choose("good.md", "bad.json"),
    [["heading", "Last import"]],
  ],
  [
    "Data: the dataset in another format, with what that format cannot hold",
    "better",
    "#/p/p1/data/sources",
    async (page) => {
      await unfold("Take the dataset away")(page);
      await press("Prepare")(page);
    },
    [["button", /^Save handbook-train\.jsonl/]],
  ],
  [
    "Data: how questions are checked",
    "better",
    "#/p/p1/data/questions",
    unfold("Settings of the check"),
    [["button", /^Check/]],
  ],
  [
    "Data: leaks, by example",
    "better",
    "#/p/p1/data/split",
    unfold("Examples"),
    [
      ["button", "Keep them on one side"],
      ["button", /^Both are right/],
    ],
  ],
  [
    "Data: how negatives are found",
    "better",
    "#/p/p1/data/negatives",
    unfold("Find negatives anew", "Window, thresholds and re-ranker"),
    [["button", "Find negatives"]],
  ],
  [
    "Train: is it needed, and is there enough data",
    "better",
    "#/p/p1/train/setup",
    unfold("Before you train"),
    [
      ["region", "Is tuning needed?"],
      ["region", "Would more data help?"],
    ],
  ],
  [
    "Results: what got worse in training, question by question",
    "better",
    "#/p/p1/results/r1/changes",
    async (page) => {
      await page.getByRole("radio", { name: "Training" }).check();
      await unfold("Its questions")(page);
    },
    [["button", /^Make the intruders hard negatives: /]],
  ],
  [
    "Results: the report to take along",
    "better",
    "#/p/p1/results/r1/advice",
    press("Report"),
    [
      ["dialog", "Take the report along"],
      ["checkbox", /^With my questions and passages/],
    ],
  ],
];

/** Screens of the data room and the evaluation room that an address opens; they must fit any width, too. */
export const ROOM_SCREENS: readonly string[] = [
  ...["sources", "chunks", "questions", "negatives", "split", "router"].map((tab) => `#/p/p1/data/${tab}`),
  ...["changes", "advice", "compare", "map", "config"].map((tab) => `#/p/p1/results/r1/${tab}`),
];
