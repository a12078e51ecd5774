// A verdict as one HTML file that needs nothing else: no script, no font, no request. The JSON of the same report lies in
// it unseen (type application/json), so that a program can read what a person reads.
import type { CurvePoint, LearningCurve, MergeCurve, TriageReport } from "./advice-types.ts";
import type { Delta, Metrics } from "./report.ts";
import { VERDICT_WORDS, type VerdictReport } from "./verdict-report.ts";

const SHOWN = ["hit@1", "hit@5", "hit@10", "mrr@10", "ndcg@10"] as const;
const LABELS = {
  "hit@1": "hit@1",
  "hit@5": "hit@5",
  "hit@10": "hit@10",
  "mrr@10": "MRR@10",
  "ndcg@10": "nDCG@10",
} as const;
const MEASURES =
  "hit@k: share of the questions with a right passage among the first k. MRR@10: mean of 1 / rank of the first right " +
  "passage, 0 beyond rank 10. nDCG@10: the order of all right passages among the first ten, 1 at best.";

export function verdictHtml(report: VerdictReport): string {
  const { run } = report;
  const title = `${run.name}: ${VERDICT_WORDS[report.verdict]}`;
  const parts = [
    `<h1>${escaped(title)}</h1>`,
    `<p class="made">${escaped(`Made by ${report.made.by} on ${dayOf(report.made.at)}.`)}</p>`,
    summaryOf(report),
    section("Figures on the test questions", systemsTable(report.systems)),
    report.delta ? section(`Differences (${escaped(report.deltaName)})`, deltaTable(report.delta)) : "",
    report.triage ? section("Before training", triagePart(report.triage)) : "",
    report.learningCurve ? section("Learning curve", learningPart(report.learningCurve)) : "",
    report.mergeCurve ? section("Strength", mergePart(report.mergeCurve)) : "",
    report.drift ? section("Drift", paragraph(report.drift.sentence)) : "",
    report.threshold ? section("Threshold", thresholdPart(report)) : "",
    report.rows ? section("Questions", rowsTable(report.rows)) : "",
    section("How it was made", madePart(report)),
  ];
  const data = JSON.stringify(report).replaceAll("<", "\\u003c");
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(title)}</title>` +
    `<style>${STYLE}</style></head><body><main>${parts.join("\n")}</main>` +
    `<script type="application/json" id="retune-verdict">${data}</script></body></html>\n`
  );
}

/** Systems as people call them. */
const NAMES: Readonly<Record<string, string>> = {
  bm25: "BM25 (words alone)",
  base: "Base",
  baseInstruction: "Base with instruction",
  tuned: "Tuned",
  hybridBase: "Hybrid of base",
  hybridTuned: "Hybrid of tuned",
  hybridFitted: "Hybrid, fitted z-scores",
  hybridReciprocalRank: "Hybrid, reciprocal ranks",
  trialAdapter: "Adapter, trained for a moment",
  reranker: "Re-ranker, untrained",
  retrieved: "First search",
  rerankedBase: "Re-ranked by the base",
  rerankedTuned: "Re-ranked by the tuned",
};

const STYLE =
  ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0;padding:1.5rem}" +
  "main{max-width:48rem;margin:auto}h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}" +
  "table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}" +
  "th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid #8888}" +
  "th:first-child,td:first-child,.facts td{text-align:left}.facts td{overflow-wrap:anywhere}.facts td:first-child{overflow-wrap:normal}.facts thead{display:none}" +
  "svg{width:100%;height:auto;max-width:40rem}" +
  "svg text{font-size:11px;fill:currentColor}pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}";

function summaryOf(report: VerdictReport): string {
  const { delta, deltaName, smallestDetectable, openings, data } = report;
  const own = delta?.["mrr@10"];
  const figures = own
    ? `${deltaName}: ${points(own.value)} points of MRR@10, 95 % interval ${points(own.low)} to ${points(own.high)}, p ${own.p.toFixed(4)}.`
    : "";
  const power = `With ${data.testQuestions} test questions about ${data.clusters} documents a difference of ${(100 * smallestDetectable).toFixed(1)} points would be seen in four of five cases.`;
  return [figures, power, openings.sentence]
    .filter((text) => text !== "")
    .map(paragraph)
    .join("");
}

function systemsTable(systems: VerdictReport["systems"]): string {
  const rows = Object.entries(systems).map(([name, metrics]: [string, Metrics]) => [
    NAMES[name] ?? name,
    ...SHOWN.map((metric) => metrics[metric].toFixed(4)),
  ]);
  return table(["", ...SHOWN.map((name) => LABELS[name])], rows) + paragraph(MEASURES);
}

function deltaTable(delta: Readonly<Record<string, Delta>>): string {
  const rows = SHOWN.map((name) => {
    const { value, low, high, p } = delta[name]!;
    return [LABELS[name], points(value), points(low), points(high), p.toFixed(4)];
  });
  return table(["points", "difference", "low", "high", "p"], rows);
}

function triagePart(triage: TriageReport): string {
  const rows = triage.rows.map(({ system, metrics, delta }) => [
    NAMES[system] ?? system,
    ...SHOWN.map((metric) => metrics[metric].toFixed(4)),
    delta ? `${points(delta.value)} [${points(delta.low)}, ${points(delta.high)}]` : "",
  ]);
  return paragraph(triage.sentence) + table(["", ...SHOWN, "against base"], rows);
}

function learningPart({ points: found, sentence, base }: LearningCurve): string {
  const largest = Math.max(...found.map(({ questions }) => questions));
  const place = ({ questions, error }: CurvePoint): Place => [questions / largest, 1 - error.value];
  const rows = found.map(({ questions, error }) => [String(questions), (1 - error.value).toFixed(4)]);
  return (
    paragraph(sentence) +
    chart([found.map(place)], "MRR@10 on held-out questions by questions trained on") +
    table(["questions", "MRR@10"], [["0 (base)", (1 - base).toFixed(4)], ...rows])
  );
}

function mergePart({ points: found, sentence }: MergeCurve): string {
  const rows = found.map(({ strength, target, general, nonInferior }) => [
    strength.toFixed(1),
    target.toFixed(4),
    general.toFixed(4),
    nonInferior ? "yes" : "no",
  ]);
  const change = (name: "target" | "general"): Place[] =>
    found.map((each) => [each.strength, 100 * (each[name] - found[0]![name])]);
  return (
    paragraph(sentence) +
    chart(
      [change("target"), change("general")],
      "Change by strength, in points: MRR@10 (solid) and nDCG@10 on general questions (dashed)",
    ) +
    table(["strength", "MRR@10", "general nDCG@10", "general kept"], rows)
  );
}

function thresholdPart({ threshold }: VerdictReport): string {
  const { score, threshold: from, precision, target, answered, ece } = threshold!;
  const share = `${(100 * precision.value).toFixed(1)} % [${(100 * precision.low).toFixed(1)}, ${(100 * precision.high).toFixed(1)}]`;
  return from === null
    ? paragraph(`No ${score} is high enough for ${100 * target} % right answers.`)
    : paragraph(
        `From a ${score} of ${from.toFixed(4)} on, ${share} of first hits are right; ` +
          `${(100 * answered).toFixed(1)} % of the questions get one. Calibration error ${ece.toFixed(3)}.`,
      );
}

function rowsTable(rows: NonNullable<VerdictReport["rows"]>): string {
  const shown = rows.map(({ text, before, after }) => [text, String(before ?? "–"), String(after ?? "–")]);
  return table(["question", "rank before", "rank after"], shown);
}

function madePart({ run, data }: VerdictReport): string {
  const facts = [
    ["Model", run.base],
    ["Task", run.task],
    ["Started on", dayOf(run.startedAt)],
    ["Computed by", run.backend],
    ["Seconds of training", run.seconds.toFixed(1)],
    ["Training questions", String(data.trainQuestions)],
    ["Passages", String(data.passages)],
    ["SHA-256 of the data", data.hash],
  ];
  const notes = run.notes.map(paragraph).join("");
  return `<div class="facts">${table(["", ""], facts)}</div>${notes}<pre>${escaped(JSON.stringify(run.recipe, null, 2))}</pre>`;
}

/** "21 November 2026", by the clock of the world: the same file reads the same everywhere. */
function dayOf(time: string): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(new Date(time));
}

type Place = readonly [x: number, y: number]; // x in 0–1

/** Lines in one frame, the y axis cut to what is there. */
function chart(lines: readonly (readonly Place[])[], label: string): string {
  const values = lines.flat().map(([, y]) => y);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const range = high - low || 1;
  const at = ([x, y]: Place): string =>
    `${(40 + 540 * x).toFixed(1)},${(180 - (160 * (y - low)) / range).toFixed(1)}`;
  const drawn = lines.map((line, index) => {
    const dash = index === 0 ? "" : ' stroke-dasharray="5 4"';
    return `<polyline fill="none" stroke="currentColor" stroke-width="2"${dash} points="${line.map(at).join(" ")}"/>`;
  });
  return (
    `<svg viewBox="0 0 600 200" role="img" aria-label="${escaped(label)}">${drawn.join("")}` +
    `<text x="0" y="24">${shortNumber(high)}</text><text x="0" y="184">${shortNumber(low)}</text></svg>` +
    paragraph(label)
  );
}

const shortNumber = (value: number): string => value.toFixed(Math.abs(value) < 1 ? 3 : 1);
const section = (title: string, body: string): string => `<section><h2>${title}</h2>${body}</section>`;
const paragraph = (text: string): string => `<p>${escaped(text)}</p>`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: "th" | "td"): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
  return `<table><thead>${line(head, "th")}</thead><tbody>${rows.map((row) => line(row, "td")).join("")}</tbody></table>`;
}

function points(share: number): string {
  return `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(2)}`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
