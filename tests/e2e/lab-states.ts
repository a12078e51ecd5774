import type { STATES } from "./states.ts";
import type { ACTED_STATES } from "./acted-states.ts";

/** Every screen of the lab, as `STATES`. */
export const LAB_STATES: typeof STATES = [
  [
    "Lab: ten systems, each with a sample",
    "empty",
    "#/lab",
    [
      ["button", "Try the sample of Questions to SQL"],
      ["button", "Use my rows for Judging answers"],
      ["heading", "Projects of the lab"],
    ],
  ],
  [
    "Lab, Data: files, split and rows",
    "better",
    "#/lab/l1/data",
    [
      ["region", "Rows to learn"],
      ["group", "Drop a file or choose one"],
      ["link", "Train on these rows"],
      ["button", "Show more rows"],
    ],
  ],
  [
    "Lab, Train: setup",
    "better",
    "#/lab/l1/train/setup",
    [
      ["combobox", "Start from"],
      ["combobox", "Base weights kept as"],
      ["textbox", "LoRA rank"],
      ["button", "Start training"],
    ],
  ],
  [
    "Lab, Train: a run under way",
    "running",
    "#/lab/l1/train/run",
    [
      ["button", "Stop and keep"],
      ["progressbar", "Training"],
    ],
  ],
  ["Lab, Train: history", "better", "#/lab/l1/train/history", [["link", "Run 1"]]],
  [
    "Lab, Results: verdict, figures, answers side by side",
    "better",
    "#/lab/l1/results",
    [
      ["heading", "It learnt it"],
      ["region", "Figures"],
      ["region", "Held to the schema or grammar"],
      ["radio", "Gained"],
    ],
  ],
  [
    "Lab, Results: both models over both searches",
    "better",
    "#/lab/l7/results",
    [
      ["region", "The search learnt, too"],
      ["table", /^Both models over both searches/],
      ["rowheader", "Tuned search"],
    ],
  ],
  [
    "Lab, Playground: a form and what was kept",
    "better",
    "#/lab/l1/playground",
    [
      ["textbox", "A question of your own"],
      ["button", "Ask a held-out row"],
      ["button", "Export as chat JSONL"],
    ],
  ],
  [
    "Lab, Models: exports and folders",
    "better",
    "#/lab/l1/models",
    [
      ["button", /^LoRA for PEFT/],
      ["button", "Remove SmolLM2-135M-Instruct"],
      ["group", "Add a model's folder"],
    ],
  ],
  ["Lab: a project that is not here", "better", "#/lab/l9/results", [["link", "All projects of the lab"]]],
];

/** What takes an act in the lab, as `ACTED_STATES`. */
export const LAB_ACTED_STATES: typeof ACTED_STATES = [
  [
    "Lab, Data: rows that a teacher answers",
    "empty",
    "#/lab",
    async (page) => {
      await page.getByRole("button", { name: "Use my rows for Distillation" }).click();
      await page.getByRole("button", { name: "Create the project" }).click();
    },
    [["region", "Rows made here"]],
  ],
  [
    "Lab, Train: what a run takes on this device",
    "better",
    "#/lab/l1/train/setup",
    (page) => page.getByRole("button", { name: "Measure on this device" }).click(),
    [["region", "What a run takes"]],
  ],
  [
    "Lab, Results: what a query finds",
    "better",
    "#/lab/l1/results",
    (page) => page.locator("summary").first().click(),
    [["table", /What this query finds/]],
  ],
  [
    "Lab, Playground: both answer",
    "better",
    "#/lab/l1/playground",
    (page) => page.getByRole("button", { name: "Ask a held-out row" }).click(),
    [
      ["region", "Tuned"],
      ["button", "Keep as an example"],
    ],
  ],
];
