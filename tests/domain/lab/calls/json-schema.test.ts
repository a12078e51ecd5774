import { expect, test } from "vitest";
import { inSchemaOrder, JsonSchema, spacedJson } from "../../../../src/domain/lab/calls/json-schema.ts";

test("faults are told by path, the deepest ones", () => {
  const schema = new JsonSchema({
    type: "object",
    properties: {
      a: {
        type: "array",
        items: { type: "object", properties: { "b/c": { type: "integer" } }, required: ["b/c"] },
      },
    },
  });
  expect(schema.faults({ a: [{ "b/c": 1 }] })).toEqual([]);
  expect(schema.faults({ a: [{ "b/c": "1" }, {}] }).map(({ path }) => path)).toEqual(["/a/0/b~1c", "/a/1"]);
  expect(schema.faults([]).map(({ path }) => path)).toEqual([""]);
});

test("a schema that cannot be used is refused at once, one that shows it late faults what meets it", () => {
  expect(() => new JsonSchema({ $ref: "#/$defs/none" })).toThrow(/cannot be used/);
  expect(() => new JsonSchema({ $ref: "#" })).toThrow(/cannot be used/);
  const late = new JsonSchema({ properties: { a: { pattern: "(" } } });
  expect(late.faults({})).toEqual([]);
  expect(late.faults({ a: "x" })).toMatchObject([
    { path: "", reason: expect.stringMatching(/cannot be applied/) as string },
  ]);
});

test("drafts differ where they do: lists of schemas for places", () => {
  const items = [{ type: "integer" }, { type: "string" }];
  const old = new JsonSchema({ $schema: "http://json-schema.org/draft-07/schema#", items });
  const prefix = new JsonSchema({ prefixItems: items });
  for (const schema of [old, prefix]) {
    expect(schema.faults([1, "a"])).toEqual([]);
    expect(schema.faults(["a", 1])).not.toEqual([]);
  }
});

test("properties take the order of their schema, and the layout of json.dumps", () => {
  const schema = { properties: { a: {}, b: { items: { properties: { x: {}, y: {} } } } } };
  const value = { z: "é", b: [{ y: 1, x: [] }], a: null };
  expect(spacedJson(inSchemaOrder(value, schema))).toBe('{"a": null, "b": [{"x": [], "y": 1}], "z": "é"}');
});
