/** How a family of languages marks its definitions: by braces, by indentation, by an end word, or by statements. */
export type SourceShape = "braces" | "indent" | "end" | "statements";

export interface SourceLanguage {
  readonly name: string;
  readonly shape: SourceShape;
}

const language = (name: string, shape: SourceShape): SourceLanguage => ({ name, shape });
const TYPESCRIPT = language("TypeScript", "braces");
const JAVASCRIPT = language("JavaScript", "braces");
const C = language("C", "braces");
const CPP = language("C++", "braces");
const SHELL = language("Shell", "braces");

const BY_ENDING: ReadonlyMap<string, SourceLanguage> = new Map([
  ["ts", TYPESCRIPT],
  ["tsx", TYPESCRIPT],
  ["mts", TYPESCRIPT],
  ["cts", TYPESCRIPT],
  ["js", JAVASCRIPT],
  ["jsx", JAVASCRIPT],
  ["mjs", JAVASCRIPT],
  ["cjs", JAVASCRIPT],
  ["py", language("Python", "indent")],
  ["pyi", language("Python", "indent")],
  ["java", language("Java", "braces")],
  ["c", C],
  ["h", C],
  ["cc", CPP],
  ["cpp", CPP],
  ["cxx", CPP],
  ["hh", CPP],
  ["hpp", CPP],
  ["go", language("Go", "braces")],
  ["rs", language("Rust", "braces")],
  ["cs", language("C#", "braces")],
  ["rb", language("Ruby", "end")],
  ["php", language("PHP", "braces")],
  ["swift", language("Swift", "braces")],
  ["kt", language("Kotlin", "braces")],
  ["kts", language("Kotlin", "braces")],
  ["scala", language("Scala", "braces")],
  ["lua", language("Lua", "end")],
  ["sql", language("SQL", "statements")],
  ["sh", SHELL],
  ["bash", SHELL],
  ["zsh", SHELL],
]);

/** The language of a file by its ending, or by the first line of a script; undefined for anything else. */
export function languageOf(name: string, text: string): SourceLanguage | undefined {
  const ending = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase();
  const known = ending === undefined ? undefined : BY_ENDING.get(ending);
  if (known) return known;
  const program = /^#!\s*\S*?(?:env\s+)?(python|node|bash|zsh|sh|ruby|php|lua)[\d.]*\s*$/m.exec(
    text.slice(0, 120),
  )?.[1];
  const endings: Readonly<Record<string, string>> = { python: "py", node: "js", ruby: "rb" };
  return program === undefined ? undefined : BY_ENDING.get(endings[program] ?? program);
}
