import { Validator, type Schema, type SchemaDraft } from "@cfworker/json-schema";
import { RetuneError } from "../../../engine/errors.ts";

export type PlainJson = string | number | boolean | null | readonly PlainJson[] | PlainObject;

export interface PlainObject {
  readonly [key: string]: PlainJson;
}

/** Where a value breaks its schema. */
export interface SchemaFault {
  readonly path: string; // JSON Pointer, "" is the value itself
  readonly reason: string;
}

const MOST_FAULTS = 20;

/** A schema that values are checked against; interpreted, so that no policy of a page stands in its way. */
export class JsonSchema {
  readonly schema: PlainObject;
  readonly #validator: Validator;

  /** Throws E_FIELD where the schema refers to what it does not hold, or cannot be used otherwise. */
  constructor(schema: PlainObject) {
    this.schema = schema;
    try {
      // Validators take objects with a prototype; a copy has one.
      this.#validator = new Validator(JSON.parse(JSON.stringify(schema)) as Schema, draftOf(schema), false);
      for (const probe of [{}, [], "", 0]) this.#validator.validate(probe);
    } catch (error) {
      const reason = error instanceof Error ? error.message.split("\n")[0]! : String(error);
      throw new RetuneError(
        "E_FIELD",
        `the JSON schema cannot be used: ${reason.slice(0, 160)}`,
        {},
        { cause: error },
      );
    }
  }

  /** Faults by path, the deepest reasons only; none where the value fits. */
  faults(value: PlainJson): SchemaFault[] {
    const errors = this.#errors(value);
    const own = errors.map(({ instanceLocation, error }) => ({
      path: pointerOf(instanceLocation),
      reason: error,
    }));
    const deepest = own.filter(({ path }) => !own.some((other) => other.path.startsWith(`${path}/`)));
    const kept = deepest.filter(({ path, reason }, at) => {
      const same = deepest.findIndex((other) => other.path === path && other.reason === reason);
      return same === at;
    });
    return kept.slice(0, MOST_FAULTS);
  }

  /** A pattern that is none shows only once a text meets it. */
  #errors(value: PlainJson): readonly { readonly instanceLocation: string; readonly error: string }[] {
    try {
      const { valid, errors } = this.#validator.validate(JSON.parse(JSON.stringify(value)));
      return valid ? [] : errors;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return [{ instanceLocation: "#", error: `The schema cannot be applied: ${reason.slice(0, 160)}` }];
    }
  }
}

/** "#/a/b" as "/a/b". */
function pointerOf(location: string): string {
  return decodeURIComponent(location.replace(/^#/, ""));
}

function draftOf(schema: PlainObject): SchemaDraft {
  const named = typeof schema["$schema"] === "string" ? schema["$schema"] : "";
  if (named.includes("draft-04")) return "4";
  if (named.includes("draft-06") || named.includes("draft-07")) return "7";
  return named.includes("2019-09") ? "2019-09" : "2020-12";
}

export function isObject(value: unknown): value is PlainObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Properties of objects in the order in which their schema names them, others after these. */
export function inSchemaOrder(value: PlainJson, schema: PlainJson | undefined): PlainJson {
  if (!isObject(schema)) return value;
  if (Array.isArray(value)) return value.map((item: PlainJson) => inSchemaOrder(item, schema["items"]));
  if (!isObject(value)) return value;
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const named = Object.keys(properties).filter((key) => Object.hasOwn(value, key));
  const others = Object.keys(value).filter((key) => !Object.hasOwn(properties, key));
  return Object.fromEntries(
    [...named, ...others].map((key) => [key, inSchemaOrder(value[key]!, properties[key])]),
  );
}

/** JSON as Python's json.dumps lays it out and templates write it: ", " and ": ", letters as they are. */
export function spacedJson(value: PlainJson): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, own]) => `${JSON.stringify(key)}: ${spacedJson(own)}`);
  return `{${members.join(", ")}}`;
}
