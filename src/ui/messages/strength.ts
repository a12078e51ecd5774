import { percent } from "../format.ts";

const MEASURES: Readonly<Record<string, string>> = {
  "hit@5": "hit@5",
  "mrr@10": "MRR@10",
  accuracy: "Accuracy",
  mrr: "MRR",
};

export const strength = {
  title: "Between base and tuned",
  text: "A mixture of the base's weights and the tuned ones often keeps the gain and loses less elsewhere. Judge some places; an export takes the strength you give it.",
  label: (value: number): string => `Strength ${percent(value)}`,
  judge: "Judge this strength",
  measure: (name: string): string => MEASURES[name] ?? name,
} as const;
