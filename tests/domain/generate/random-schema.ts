import type { CounterRandom } from "../../../src/domain/random.ts";

type Schema = Record<string, unknown>;

const KEYS = ["name", "n", "größe", 'a "b"', "list", "x y"];
const WORDS = ["get_weather", "get_weather_now", "get", "é", "", "a\\b", "東京", "[^x]"];

/** A schema of objects, lists, alternatives and bounded values whose answers are short. */
export function randomSchema(random: CounterRandom, depth = 2): Schema {
  const kinds = depth > 0 ? [...LEAVES, object, object, list, either] : LEAVES;
  return kinds[random.below(kinds.length)]!(random, depth);
}

const LEAVES: readonly ((random: CounterRandom, depth: number) => Schema)[] = [
  (random) => ({ enum: some(random, WORDS) }),
  (random) => {
    const minimum = random.below(300) - 150;
    return { type: "integer", minimum, maximum: minimum + random.below(200) };
  },
  (random) => ({ type: "number", minimum: -random.below(5), maximum: random.below(20) }),
  (random) => ({ type: "string", minLength: random.below(2), maxLength: 1 + random.below(5) }),
  () => ({ type: "string", pattern: "^[a-c]{1,3}-[0-9]$" }),
  () => ({ type: "boolean" }),
  () => ({ type: ["integer", "null"], minimum: 3, maximum: 12 }),
];

function object(random: CounterRandom, depth: number): Schema {
  const keys = some(random, KEYS);
  const properties = Object.fromEntries(keys.map((key) => [key, randomSchema(random, depth - 1)]));
  const required = keys.filter(() => random.below(2) === 0);
  return { type: "object", properties, required, additionalProperties: false };
}

function list(random: CounterRandom, depth: number): Schema {
  return { type: "array", items: randomSchema(random, depth - 1), minItems: random.below(2), maxItems: 2 };
}

function either(random: CounterRandom, depth: number): Schema {
  return { anyOf: [randomSchema(random, depth - 1), randomSchema(random, depth - 1)] };
}

/** At least one of them, in their order. */
function some(random: CounterRandom, all: readonly string[]): string[] {
  const picked = all.filter(() => random.below(3) === 0);
  return picked.length > 0 ? picked : [all[random.below(all.length)]!];
}
