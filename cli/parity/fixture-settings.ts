import * as v from "valibot";
import { RetuneError } from "../../src/engine/errors.ts";

// What the settings of recorded sequence runs have in common: the optimizer and its record.

export const count = v.pipe(v.number(), v.integer(), v.minValue(1));

/** AdamW as torch names its settings, and what it recorded, one a step. */
export const optimizerFields = {
  lr: v.number(),
  warmup_steps: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  total_steps: v.optional(count),
  weight_decay: v.optional(v.number(), 0.01),
  betas: v.optional(v.tuple([v.number(), v.number()]), [0.9, 0.999]),
  eps: v.optional(v.number(), 1e-8),
  max_grad_norm: v.optional(v.nullable(v.number()), 1),
  losses: v.pipe(v.array(v.number()), v.minLength(1)),
  grad_norms_before_clip: v.optional(v.array(v.number())),
};

/** The settings as their schema has them; throws E_FIELD with the first that is missing or wrong. */
export function checkedSettings<Schema extends v.GenericSchema>(
  schema: Schema,
  raw: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, raw);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new RetuneError("E_FIELD", `${v.getDotPath(issue) ?? "file"}: ${issue.message}`);
}
