import type { Page } from "playwright-core";
import type { Scenario } from "../ui/fake-studio.ts";

/** A control by role and accessible name. */
export type Control = readonly [Parameters<Page["getByRole"]>[0], string | RegExp];

/** Every screen in every state: what it is, the made-up scenario, its address, and what must be there. */
export const STATES: readonly (readonly [string, Scenario, string, readonly Control[]])[] = [
  [
    "Home, empty: the sample, an import and a project file",
    "empty",
    "#/",
    [
      ["button", "Try the sample"],
      ["button", "Import documents"],
      ["button", "Open project .zip"],
      ["button", /0 requests sent/],
      ["button", /CPU mode/],
      ["button", /48 MB stored/],
    ],
  ],
  [
    "Home, with work: projects and their best result",
    "better",
    "#/",
    [
      ["link", "Sample handbook"],
      ["button", "Export .zip Sample handbook"],
    ],
  ],
  ["Home, a run was cut off: one click resumes it", "interrupted", "#/", [["button", "Resume"]]],
  [
    "Home, a job runs: it is shown",
    "running",
    "#/",
    [
      ["region", "Now running"],
      ["progressbar", "Run 1"],
    ],
  ],
  [
    "Data: sources, model and vectors",
    "better",
    "#/p/p1/data",
    [
      ["tab", /Sources/],
      ["group", "Drop documents or a dataset here"],
      ["button", "Choose a folder"],
      ["combobox", "Embedding model"],
      ["list", "Sources"],
    ],
  ],
  [
    "Data: chunks with a live preview",
    "better",
    "#/p/p1/data/chunks",
    [
      ["slider", "Longest chunk, in tokens"],
      ["spinbutton", "Overlap, in tokens"],
      ["img", /Lengths of 200 chunks/],
    ],
  ],
  [
    "Data: the review list",
    "better",
    "#/p/p1/data/questions",
    [
      ["searchbox", "Find in questions"],
      ["button", /Accept A/],
      ["button", "Reject all 388"],
    ],
  ],
  [
    "Data: negatives with their scores, decided one by one or all at once",
    "better",
    "#/p/p1/data/negatives",
    [
      ["img", "Scores of right passages and near misses"],
      ["list", "Questions with negatives"],
      ["button", "Accept all proposed"],
      ["button", "Accept as negative"],
    ],
  ],
  [
    "Data: the split by document",
    "better",
    "#/p/p1/data/split",
    [
      ["heading", "Training"],
      ["heading", "Test"],
      ["button", "Divide again"],
    ],
  ],
  [
    "Data: a router's choices and questions",
    "better",
    "#/p/p1/data/router",
    [
      ["button", "Add a choice"],
      ["button", "Write questions by rules"],
      ["region", "Example questions"],
    ],
  ],
  [
    "Train: recipes, mode, plan and start",
    "better",
    "#/p/p1/train/setup",
    [
      ["radio", /Linear adapter recommended/],
      ["radio", /Two-layer adapter/],
      ["radio", /Own stack/],
      ["radio", /Compatible with LlamaIndex/],
      ["heading", "Before it starts"],
      ["button", "Start training"],
    ],
  ],
  [
    "Train: five tasks and the ladder",
    "better",
    "#/p/p1/train/setup",
    [
      ["radio", /^Adapter recommended/],
      ["radio", /^Router/],
      ["radio", /^Re-ranker/],
      ["radio", /^LoRA/],
      ["radio", /^Full fine-tune/],
      ["button", "Try adapter"],
    ],
  ],
  [
    "Train: a ladder that ended says to stop and tries on only when asked",
    "worse",
    "#/p/p1/train/setup",
    [["button", "Try re-ranker anyway"]],
  ],
  [
    "Train: a router, asked for by the address",
    "better",
    "#/p/p1/train/setup?task=router",
    [["combobox", "Trainer"]],
  ],
  [
    "Train: LoRA with its settings",
    "better",
    "#/p/p1/train/setup?task=lora",
    [
      ["textbox", "Rank"],
      ["combobox", "Loss"],
    ],
  ],
  [
    "Train: no run yet",
    "sample",
    "#/p/p1/train/run",
    [
      ["heading", "No run yet"],
      ["button", "Go to Setup"],
    ],
  ],
  [
    "Train: running",
    "running",
    "#/p/p1/train/run",
    [
      ["region", "Run 1"],
      ["button", "Pause"],
      ["button", "Stop and keep best"],
      ["button", "Discard"],
      ["progressbar", /Training/],
      ["heading", "Loss"],
      ["heading", "Validation MRR@10"],
      ["table", /Three questions to watch/],
    ],
  ],
  [
    "Train: LoRA under way",
    "tuning",
    "#/p/p1/train/run",
    [
      ["region", "Run 1"],
      ["progressbar", "Training"],
      ["heading", "Validation MRR@10"],
    ],
  ],
  [
    "Train: paused",
    "paused",
    "#/p/p1/train/run",
    [
      ["button", "Resume"],
      ["button", "Stop and keep best"],
    ],
  ],
  ["Train: interrupted", "interrupted", "#/p/p1/train/run", [["button", "Resume"]]],
  [
    "Train: failed, with its remedy",
    "failed",
    "#/p/p1/train/run",
    [
      ["alert", "The loss left the numbers"],
      ["button", "Set up again with half the learning rate"],
      ["button", "Copy diagnostics"],
    ],
  ],
  [
    "Train: history",
    "better",
    "#/p/p1/train/history",
    [
      ["link", "Run 1"],
      ["button", /Use its settings/],
    ],
  ],
  [
    "Results: nothing yet",
    "sample",
    "#/p/p1/results",
    [
      ["heading", "No result yet"],
      ["link", "Go to Train"],
    ],
  ],
  [
    "Results: better",
    "better",
    "#/p/p1/results",
    [
      ["heading", "Better"],
      ["img", /Dense hit@5/],
      ["region", "All measures, side by side"],
      ["radio", "Hybrid"],
      ["tab", "Config"],
    ],
  ],
  [
    "Results: no reliable change is a verdict of its own",
    "cannot-tell",
    "#/p/p1/results",
    [
      ["heading", "No reliable change"],
      ["heading", "What to do"],
    ],
  ],
  [
    "Results: worse",
    "worse",
    "#/p/p1/results",
    [
      ["heading", "Worse"],
      ["heading", "What to do"],
    ],
  ],
  ["Results: a re-ranker", "re-ranker", "#/p/p1/results", [["region", "Before and after re-ranking"]]],
  [
    "Results: a router",
    "router",
    "#/p/p1/results",
    [
      ["region", "Figures"],
      ["region", "What was right, and what was said"],
    ],
  ],
  [
    "Results: what got worse, with remedies by one click",
    "better",
    "#/p/p1/results/r1/changes",
    [
      ["region", "What got worse"],
      ["button", "Drop these questions: leave.md"],
      ["radio", "Training"],
    ],
  ],
  [
    "Results: advice about trust, drift and strength",
    "better",
    "#/p/p1/results/r1/advice",
    [
      ["region", "When to trust an answer"],
      ["region", "What became of everything else"],
      ["slider", "Strength"],
    ],
  ],
  ["Results: one run, nothing to compare yet", "better", "#/p/p1/results/r1/compare", [["tab", "Compare"]]],
  [
    "Results: runs side by side",
    "worse",
    "#/p/p1/results/r1/compare",
    [
      ["group", "Runs"],
      ["region", "Runs side by side"],
      ["region", "Where they differ most"],
    ],
  ],
  [
    "Results: a re-ranker's advice",
    "re-ranker",
    "#/p/p1/results/r1/advice",
    [["region", "When to trust an answer"]],
  ],
  [
    "Results: the map of texts",
    "better",
    "#/p/p1/results/r1/map",
    [
      ["application", /Map of 240 texts after tuning/],
      ["searchbox", "Find texts"],
      ["checkbox", /Test questions/],
      ["slider", "Before or after tuning"],
      ["radio", "Neighbourhoods (UMAP)"],
    ],
  ],
  [
    "Results: the job file",
    "better",
    "#/p/p1/results/r1/config",
    [
      ["heading", "As a job file"],
      ["button", "Copy"],
    ],
  ],
  [
    "Playground",
    "better",
    "#/p/p1/playground",
    [
      ["searchbox", "Ask your documents"],
      ["combobox", "Tuned by"],
    ],
  ],
  [
    "Playground without a run shows the base",
    "sample",
    "#/p/p1/playground",
    [["searchbox", "Ask your documents"]],
  ],
  [
    "Models",
    "better",
    "#/p/p1/models",
    [
      ["button", /^Export/],
      ["button", "Project .zip"],
      ["tab", "JavaScript"],
      ["group", "Drop an adapter's or model's files here"],
    ],
  ],
  ["Playground with a router", "router", "#/p/p1/playground", [["textbox", "Question to route"]]],
  ["Models: nothing yet", "sample", "#/p/p1/models", [["heading", "Nothing tuned yet"]]],
  [
    "a screen without a project",
    "empty",
    "#/results",
    [
      ["heading", "No project is open"],
      ["link", "Go to Home"],
    ],
  ],
];
