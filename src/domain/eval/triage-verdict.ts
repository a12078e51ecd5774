import type { Interval, TriageReason, TriageReport, TriageRow, TriageVerdict } from "./advice-types.ts";
import { signedPoints } from "./points.ts";
import type { Delta } from "./report.ts";

/** From here on the base leaves nothing to gain (trainers.md §10.14). */
const BASE_HIGH = 0.97;
/** Below this share of questions with their right passage among the best 100, the data are the problem. */
const CEILING_LOW = 0.7;
const FEW_QUESTIONS = 50;
const FEW_CLUSTERS = 10;
const ENOUGH_QUESTIONS = 100;
const NOTHING_TO_TEACH = 0.005; // of MRR@10: an upper bound below it says that there is nothing to learn
const COPIED = 0.75; // words of a question that its passage holds

export interface TriageFacts {
  readonly questions: number;
  readonly clusters: number;
  readonly rows: readonly TriageRow[];
  readonly ceiling: Interval;
  readonly smallestDetectable: TriageReport["smallestDetectable"];
  readonly hit10: Interval; // of the better of base and base with instruction
  readonly headroom: number; // 1 − MRR@10 of the best search
  readonly trial: Delta | null; // of the trial adapter against what it starts from; null: none was trained
  readonly medianCopyRate: number;
}

interface Finding {
  readonly verdict: TriageVerdict | null; // null: said, but decides nothing
  readonly reason: TriageReason;
  readonly words: string;
}

/** What the figures say: the first finding that decides, with all others as reasons. */
export function triageVerdict(facts: TriageFacts): Pick<TriageReport, "verdict" | "sentence" | "reasons"> {
  const findings = [
    ...obstacles(facts),
    ...teachable(facts.trial),
    ...cheapGains(facts.rows),
    ...copied(facts.medianCopyRate),
  ];
  const verdict = findings.find((each) => each.verdict !== null)?.verdict ?? "open";
  const words = findings.filter((each) => each.verdict === verdict).map((each) => each.words);
  const sentence = words.length > 0 ? `${OPENINGS[verdict]}: ${words.join("; ")}.` : `${OPENINGS[verdict]}.`;
  return { verdict, sentence, reasons: findings.map(({ reason }) => reason) };
}

const OPENINGS: Readonly<Record<TriageVerdict, string>> = {
  unlikely: "Fine-tuning is unlikely to help",
  "not-yet": "It is too early to fine-tune",
  "cheap-first": "Take the step without training first",
  likely: "Fine-tuning is worth a run",
  open: "These questions do not tell whether fine-tuning helps; an adapter takes seconds, so try one",
};

function obstacles(facts: TriageFacts): readonly Finding[] {
  const { questions, clusters, hit10, ceiling, headroom, smallestDetectable } = facts;
  const found: Finding[] = [];
  if (questions < FEW_QUESTIONS || clusters < FEW_CLUSTERS) {
    const reason = { kind: "few-questions", questions, clusters, needed: ENOUGH_QUESTIONS } as const;
    const words = `${questions} questions about ${clusters} documents teach and prove little, ${ENOUGH_QUESTIONS} are a start`;
    found.push({ verdict: "not-yet", reason, words });
  }
  if (hit10.value > BASE_HIGH) {
    const reason = { kind: "base-high", hit10, limit: BASE_HIGH } as const;
    const words = `the base finds ${percent(hit10.value)} of the right passages among its first ten already`;
    found.push({ verdict: "unlikely", reason, words });
  }
  if (ceiling.high < CEILING_LOW) {
    const reason = { kind: "ceiling-low", recall100: ceiling, limit: CEILING_LOW } as const;
    const words = `only ${percent(ceiling.value)} of the right passages are among the best 100, so look at questions and chunks first`;
    found.push({ verdict: "unlikely", reason, words });
  }
  const detectable = smallestDetectable.test ?? smallestDetectable.train;
  if (headroom < detectable) {
    const reason = { kind: "no-headroom", headroom, detectable } as const;
    const words = `${points(headroom)} are left to gain, fewer than the ${points(detectable)} that the test questions can show`;
    found.push({ verdict: "unlikely", reason, words });
  }
  return found;
}

function teachable(delta: Delta | null): readonly Finding[] {
  if (!delta) return [];
  const range = `${signedPoints(delta.low)} to ${signedPoints(delta.high)} points of MRR@10`;
  if (delta.low > 0) {
    const words = `an adapter trained for a moment gains ${range} on documents it has not seen`;
    return [{ verdict: "likely", reason: { kind: "trainable", delta }, words }];
  }
  const none = delta.high < NOTHING_TO_TEACH;
  const words = `an adapter trained for a moment changes ${range} on documents it has not seen`;
  return [{ verdict: none ? "unlikely" : null, reason: { kind: "not-trainable", delta }, words }];
}

function cheapGains(rows: readonly TriageRow[]): readonly Finding[] {
  const names = {
    baseInstruction: "the instruction before questions",
    hybridFitted: "search by words beside it",
  };
  return rows.flatMap(({ system, delta }): Finding[] => {
    if (!delta || delta.low <= 0 || (system !== "baseInstruction" && system !== "hybridFitted")) return [];
    const words = `${names[system]} gains ${signedPoints(delta.value)} points of MRR@10`;
    return [{ verdict: "cheap-first", reason: { kind: "cheap-gain", system, delta }, words }];
  });
}

function copied(medianCopyRate: number): readonly Finding[] {
  if (medianCopyRate < COPIED) return [];
  const words = `half of the questions take ${percent(medianCopyRate)} of their words from their passage`;
  return [{ verdict: null, reason: { kind: "copied-questions", medianCopyRate }, words }];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const points = (share: number): string => `${(100 * share).toFixed(1)} points`;
