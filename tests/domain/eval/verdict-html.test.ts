import { expect, test } from "vitest";
import { verdictHtml } from "../../../src/domain/eval/verdict-html.ts";
import type { VerdictReport } from "../../../src/domain/eval/verdict-report.ts";
import { fakeReport } from "../../ui/fake-report.ts";
import { DRIFT, LEARNING_CURVE, MERGE_CURVE, THRESHOLD, TRIAGE } from "../../ui/fake-verdicts.ts";

const { systems, delta } = fakeReport("better", ["a", "b"]);

const REPORT: VerdictReport = {
  format: "retune-verdict-1",
  made: { by: "Retune 0.1.0", at: "2026-11-21T09:30:00.000Z" },
  run: {
    ...{
      name: "Run 3 & <4>",
      task: "adapter",
      recipe: { task: "adapter" },
      base: "bge",
      backend: "CPU",
      seconds: 5,
      startedAt: "2026-11-20T08:00:00.000Z",
    },
    notes: ["</script><script>alert(1)</script>"],
  },
  data: { hash: "ab".repeat(32), trainQuestions: 320, testQuestions: 110, clusters: 32, passages: 240 },
  systems,
  ...{ delta, deltaName: "tuned − base", verdict: "better", smallestDetectable: 0.02 },
  openings: { count: 3, sentence: "This test set was opened 3 times.", atRun: 2 },
  ...{ triage: TRIAGE, learningCurve: LEARNING_CURVE, drift: DRIFT, mergeCurve: MERGE_CURVE },
  ...{ threshold: THRESHOLD, differences: null, rows: null },
};

test("the page holds every finding, needs nothing else and carries its own data unchanged", () => {
  const html = verdictHtml(REPORT);
  for (const said of [TRIAGE.sentence, LEARNING_CURVE.sentence, MERGE_CURVE.sentence, DRIFT.sentence]) {
    expect(html).toContain(said);
  }
  expect(html).toContain("This test set was opened 3 times.");
  expect(html).toContain("Base with instruction");
  expect(html).toContain("Made by Retune 0.1.0 on 21 November 2026.");
  expect(html).toContain("<td>20 November 2026</td>");
  expect(html).not.toMatch(/https?:|src=|@import|url\(/);
  const open = 'id="retune-verdict">';
  const start = html.lastIndexOf(open) + open.length;
  expect(JSON.parse(html.slice(start, html.indexOf("</script>", start)))).toEqual(
    JSON.parse(JSON.stringify(REPORT)),
  );
});

test("what a name or a note says is shown, never run", () => {
  const html = verdictHtml(REPORT);
  expect(html).toContain("Run 3 &amp; &lt;4&gt;");
  expect(html.match(/<script/g)).toHaveLength(1);
});

test("what was not looked for is left out", () => {
  const bare = { triage: null, learningCurve: null, drift: null, mergeCurve: null, threshold: null };
  const html = verdictHtml({ ...REPORT, ...bare, delta: null });
  for (const title of ["Before training", "Learning curve", "Strength", "Drift", "Threshold", "Questions"]) {
    expect(html).not.toContain(`<h2>${title}</h2>`);
  }
  expect(html).toContain("<h2>How it was made</h2>");
});
