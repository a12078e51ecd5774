import { RetuneError } from "../../engine/errors.ts";

/** Our wording of LlamaIndex's contract: the context between rules, nothing but the context, a quiz of N questions. */
export const DEFAULT_TEMPLATE = `Here is a passage from a document.

---------------------
{context_str}
---------------------

Rely on this passage alone, not on anything else you know. You are a teacher who writes a quiz about it: write \
{num_questions_per_chunk} different questions that the passage answers, the way a person who has not seen it would ask \
them of a search engine. Use other words than the passage where you can, and do not mention "the passage", "the context" \
or "the document". Write one question a line, without numbers, answers or any other text.`;

const SLOTS = ["context_str", "num_questions_per_chunk"];

/**
 * A template with its two slots filled, by Python's str.format rules: {{ and }} are braces, and braces inside the
 * passage are left alone. Error "usage" for another slot, a single brace, or a template without {context_str}.
 */
export function fillTemplate(template: string, context: string, count: number): string {
  const values: Readonly<Record<string, string>> = {
    context_str: context,
    num_questions_per_chunk: String(count),
  };
  let used = false;
  const filled = template.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, name: string | undefined) => {
    if (whole === "{{" || whole === "}}") return whole[0]!;
    if (name === undefined || !SLOTS.includes(name)) {
      const known = SLOTS.map((slot) => `{${slot}}`).join(" and ");
      throw new RetuneError(
        "usage",
        `prompt template: ${whole} is not known; write ${known}, and {{ }} for braces`,
      );
    }
    used ||= name === "context_str";
    return values[name]!;
  });
  if (!used)
    throw new RetuneError("usage", "prompt template: {context_str}, the place of the passage, is missing");
  return filled;
}
