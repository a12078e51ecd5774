import { isAbsolute } from "node:path";
import * as v from "valibot";
import { RetuneError } from "../src/engine/errors.ts";

// What the fields of jobs have in common. Paths are resolved against the job file's folder.

export const path = v.pipe(v.string(), v.nonEmpty("must name a file"));
export const count = v.pipe(
  v.number("must be a whole number of at least 1"),
  v.integer("must be a whole number of at least 1"),
  v.minValue(1, "must be a whole number of at least 1"),
);
export const positive = v.pipe(
  v.number("must be a number above 0"),
  v.finite("must be a number above 0"),
  v.gtValue(0, "must be a number above 0"),
);
export const share = v.pipe(
  v.number("must be a number from 0 to 1"),
  v.minValue(0, "must be a number from 0 to 1"),
  v.maxValue(1, "must be a number from 0 to 1"),
);
export const flag = v.boolean("must be true or false");
const seed = v.optional(
  v.pipe(
    v.number("must be a whole number from 0 to 4294967295"),
    v.integer("must be a whole number from 0 to 4294967295"),
    v.minValue(0, "must be a whole number from 0 to 4294967295"),
    v.maxValue(4294967295, "must be a whole number from 0 to 4294967295"),
  ),
  0,
);

export const model = v.pipe(v.string("must be a model's name or a folder"), v.nonEmpty("must name a model"));

/** One of some names, all of which the message lists. */
export function picklist<const Names extends readonly [string, ...string[]]>(names: Names) {
  const quoted = names.map((name) => `"${name}"`);
  const list = [quoted.slice(0, -1).join(", "), quoted.at(-1)!].filter((part) => part !== "").join(" or ");
  return v.picklist(names, `must be ${list}`);
}

export const mode = v.optional(picklist(["recommended", "compatible"]), "recommended");

/** Where and by which random numbers a job runs. */
export const machine = {
  seed,
  backend: v.optional(picklist(["webgpu", "cpu"])),
  threads: v.optional(count),
};

type JobSchema = v.StrictObjectSchema<v.ObjectEntries, undefined>;

/** The job as its schema has it. Throws "usage" with one line that names the file, the field and what is wrong. */
export function checkedJob<const Schema extends JobSchema>(
  file: string,
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const text = describe(result.issues[0], Object.keys(schema.entries));
  throw new RetuneError("usage", `${file}: ${text}`, { file });
}

function describe(issue: v.BaseIssue<unknown>, known: readonly string[]): string {
  const field = v.getDotPath(issue) ?? "the job";
  if (issue.expected === "never") return `unknown field "${field}"; known fields: ${known.join(", ")}`;
  if (issue.type === "strict_object" && issue.received === "undefined") return `field "${field}" is missing`;
  if (issue.received === "undefined") return `field "${field}" is missing`;
  const received = typeof issue.input === "object" ? issue.received : JSON.stringify(issue.input);
  const message = issue.message.startsWith("Invalid")
    ? `must be ${issue.expected ?? "valid"}`
    : issue.message;
  return `field "${field}" ${message}, got ${received ?? "nothing"}`;
}

/** A name without a slash stays a name; anything else is a folder. */
export function modelPath(model: string, at: (relative: string) => string): string {
  return model.includes("/") || model.startsWith(".") || isAbsolute(model) ? at(model) : model;
}

export function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));
}
