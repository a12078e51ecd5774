import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CounterRandom } from "../../../src/domain/random.ts";
import { readDocument } from "../../../src/domain/text/documents.ts";
import { readSourceCode } from "../../../src/domain/text/source-code.ts";
import { languageOf } from "../../../src/domain/text/source-languages.ts";
import type { TextBlock } from "../../../src/domain/text/structure.ts";
import { mutated } from "../formats/mutations.ts";

const blocksOf = (name: string, text: string): TextBlock[] =>
  readSourceCode(text, name, languageOf(name, text));
const names = (name: string, text: string): string[] =>
  blocksOf(name, text)
    .filter(({ kind }) => kind === "heading")
    .map(({ text: heading }) => heading);
const codeOf = (blocks: readonly TextBlock[], heading: string): string =>
  blocks[blocks.findIndex(({ kind, text }) => kind === "heading" && text === heading) + 1]!.text;

const PYTHON = `import os

# What f is for.
@cached
def f(a,
      b):
    """Docs of f,
on two lines: class X:
    """
    return "def g(): {"

class Store(Base):
    """Keeps rows."""
    limit = 3

    def put(self, row):
        def inner(): return 1
        return inner()

    async def get(self): return 2

if __name__ == "__main__":
    f(1, 2)
`;

const TYPESCRIPT = `import { a } from "b";

/** Adds. */
export function add(first: number, second = "}"): number {
  return first /* { */ + Number(second);
}

export const twice = async <T>(x: T): Promise<T[]> => {
  return [x, x].filter((y) => /[{"]/.test(\`\${y}{\`));
};

export abstract class Room<T> extends House implements Door {
  private keys = new Map<string, T>();

  constructor(readonly name: string) {
    super();
  }

  /** Opens. */
  @logged()
  async open(key: string): Promise<void> {
    if (key === "a") return;
    for (const k of this.keys) { use(k); }
  }
}

interface Shape { readonly side: number }
describe("not a definition", () => { it("x", () => {}); });
`;

test.each<[string, string, string[]]>([
  ["a.py", PYTHON, ["f", "Store", "Store.put", "Store.get", "a.py"]],
  ["a.ts", TYPESCRIPT, ["add", "twice", "Room", "Room.constructor", "Room.open", "Shape", "a.ts"]],
  [
    "a.js",
    "class A { b() {} get c() { return 1 } static async *d() {} }\nvar e = function () {}\n",
    ["A", "A.b", "A.c", "A.d", "e"],
  ],
  [
    "A.java",
    "package p;\n\n/** Doc. */\n@Entity\npublic class A<T> extends B {\n  int x = 0;\n  @Override\n  public <U> List<U> make(Map<String, U> m) throws IOException {\n    return new X() {{ add(1); }};\n  }\n  A() {}\n  enum E { X, Y }\n}\n",
    ["A", "A.make", "A.A", "A.E"],
  ],
  [
    "a.c",
    '#include "x.h"\n\n/* adds */\nstatic int\nadd(int a, int b)\n{\n  return a + b;\n}\n\nstruct point { int x; };\n',
    ["add", "point"],
  ],
  [
    "a.cpp",
    'namespace n {\ntemplate <typename T>\nint Foo::add(T a) const\n{\n  auto s = R"(})";\n  return 1\'000;\n}\nstruct S { void f() { g(); } };\n}\n',
    ["n", "n.Foo::add", "n.S", "n.S.f"],
  ],
  [
    "a.go",
    'package p\n\n// S serves.\ntype S struct {\n\tport int\n}\n\nfunc (s *S) Start(n int) error {\n\treturn nil\n}\n\nfunc main() { println("{") }\n',
    ["S", "S.Start", "main"],
  ],
  [
    "a.rs",
    "/// P.\n#[derive(Debug)]\npub struct P<'a> { x: &'a str }\n\nimpl<'a> fmt::Display for P<'a> {\n    fn fmt(&self) -> R { '{' }\n}\n\npub async fn run() {}\nmacro_rules! m { () => {} }\n",
    ["P", "P", "P.fmt", "run", "m"],
  ],
  [
    "a.cs",
    "namespace N {\n  [Serializable]\n  public class A : B {\n    public int X { get; set; }\n    public async Task<int> Go(string a) { return 1; }\n  }\n}\n",
    ["N", "N.A", "N.A.Go"],
  ],
  [
    "a.rb",
    "module M\n  # Doc.\n  class A < B\n    def x!(a)\n      if a then 1 end\n    end\n\n    def self.y = 2\n  end\nend\n",
    ["M", "M.A", "M.A.x!", "M.A.self.y"],
  ],
  [
    "a.php",
    "<?php\nnamespace App;\nclass A extends B {\n  public function go(array $x): int { return 1; }\n}\nfunction free() {}\n",
    ["A", "A.go", "free"],
  ],
  [
    "a.swift",
    "struct P {\n  var x: Int\n  init(x: Int) { self.x = x }\n  mutating func move(by d: Int) { x += d }\n}\nfunc top() {}\n",
    ["P", "P.init", "P.move", "top"],
  ],
  [
    "a.kt",
    'data class P(val x: Int) {\n  fun go(): String { return """{""" }\n}\nfun String.twice(): String { return this + this }\n',
    ["P", "P.go", "String.twice"],
  ],
  [
    "a.sql",
    "-- Users.\nCREATE TABLE users (id int); -- x\nINSERT INTO users VALUES (';');\ncreate or replace function f() returns int as $$ begin; end; $$ language x;\n",
    ["users", "a.sql", "f"],
  ],
  [
    "a.sh",
    '#!/bin/bash\nset -e\n# Greets.\nhello() {\n  echo "}"\n}\nfunction bye {\n  echo\n}\n',
    ["hello", "bye"],
  ],
  ["a.lua", "local x = 1\nlocal function f(a)\n  return a\nend\nfunction M.g() end\n", ["f", "M.g"]],
])("%s is parted by its definitions, each under its qualified name", (name, text, expected) => {
  expect(names(name, text)).toEqual(expected);
});

test("a definition keeps the comments and decorators above it, and its members stand apart", () => {
  const python = blocksOf("a.py", PYTHON);
  expect(codeOf(python, "f")).toBe(
    '# What f is for.\n@cached\ndef f(a,\n      b):\n    """Docs of f,\non two lines: class X:\n    """\n    return "def g(): {"',
  );
  expect(codeOf(python, "Store")).toBe('class Store(Base):\n    """Keeps rows."""\n    limit = 3');
  expect(codeOf(python, "Store.put")).toBe(
    "def put(self, row):\n    def inner(): return 1\n    return inner()",
  );
  const typescript = blocksOf("a.ts", TYPESCRIPT);
  expect(codeOf(typescript, "Room.open")).toContain("/** Opens. */\n@logged()\nasync open(");
  expect(codeOf(typescript, "Room")).toBe(
    "export abstract class Room<T> extends House implements Door {\n  private keys = new Map<string, T>();\n\n}",
  );
  expect(codeOf(typescript, "a.ts")).toContain("describe(");
});

test("no character of a program is lost, however it is spoilt", () => {
  const sorted = (text: string): string => [...text.replace(/\s/g, "")].sort().join("");
  const texts: [string, string][] = [
    ["a.py", PYTHON],
    ["a.ts", TYPESCRIPT],
    ["chunk.ts", readFileSync("src/domain/text/chunk.ts", "utf8")],
  ];
  for (let index = 0; index < 200; index++) {
    const [name, text] = texts[index % texts.length]!;
    const spoilt = new TextDecoder().decode(
      mutated(new TextEncoder().encode(text), CounterRandom.stream(5, index)),
    );
    const code = blocksOf(name, spoilt).filter(({ kind }) => kind === "code");
    expect(sorted(code.map((block) => block.text).join("")), `case ${index}`).toBe(sorted(spoilt));
  }
});

test("the language is told by the ending or by the first line of a script; a web page stays one", async () => {
  expect(languageOf("run", "#!/usr/bin/env python3\nprint()")?.name).toBe("Python");
  expect(languageOf("notes.txt", "int main() {}")).toBeUndefined();
  const page = new TextEncoder().encode("<!doctype html><p>words</p>");
  expect((await readDocument("a.js", page)).format).toBe("html");
  const reading = await readDocument("a.py", new TextEncoder().encode(PYTHON));
  expect(reading).toMatchObject({
    format: "code",
    headings: ["f", "Store", "Store.put", "Store.get", "a.py"],
  });
});

test("a minified file of a megabyte takes no longer than its length", () => {
  const minified = "function a(b){return b?{c:[1,2]}:(d)=>{e(d)}};".repeat(22_000);
  expect(blocksOf("a.js", minified).length).toBeGreaterThan(1000);
  const deep = "{".repeat(300_000) + "}".repeat(300_000);
  expect(blocksOf("a.c", deep)).toHaveLength(1);
});
