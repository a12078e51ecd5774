// How the languages open a definition. A head is what stands before the braces (or on the line of an indent), comments
// and texts blanked out.
import type { SourceLanguage } from "./source-languages.ts";

export interface DefinitionHead {
  readonly name: string;
  readonly container: boolean; // its members are definitions of their own
  readonly at: number; // where it begins in the head: at its modifiers
}

const MODIFIER =
  "export|default|declare|abstract|async|public|private|protected|internal|static|final|override|virtual|sealed|partial|readonly|open|data|inline|suspend|unsafe|extern|pub(?:\\([^)\\n]*\\))?|fileprivate|mutating|const|local|implicit|case|synchronized|native|strictfp|annotation|infix|operator|tailrec|inner|value|expect|actual|required|convenience|lazy|indirect|ref|new|volatile|@\\w+(?:\\([^)\\n]*\\))?";
const START = `^[ \\t]*(?:(?:${MODIFIER})[ \\t]+)*`;
const NAME = "([\\p{L}_$][\\p{L}\\p{N}_$]*)";

const CONTAINER = new RegExp(
  `${START}(?:(?:enum[ \\t]+)?(?:class|struct)|interface|enum|trait|namespace|module|mod|object|record|protocol|extension|union|actor)[ \\t]+(?:[A-Z_]+_API[ \\t]+)?((?:[\\p{L}_$][\\p{L}\\p{N}_$.:\\\\]*))`,
  "mu",
);
const IMPL = new RegExp(
  `${START}impl\\b[ \\t]*(?:<[^{\\n]{0,200}?>[ \\t]+)?(?:[^{\\n]{1,200}?[ \\t]for[ \\t]+)?&?(?:[\\p{L}_]\\w*::)*${NAME}`,
  "mu",
);
const GO_TYPE = new RegExp(
  `^[ \\t]*type[ \\t]+${NAME}(?:\\[[^\\]\\n]*\\])?[ \\t]+(?:struct|interface)\\b`,
  "mu",
);
const GO_FUNCTION = new RegExp(
  `^[ \\t]*func[ \\t]+(?:\\([^)\\n]*?\\*?([\\p{L}_]\\w*)(?:\\[[^\\]\\n]*\\])?\\)[ \\t]*)?${NAME}`,
  "mu",
);
const FUNCTION = new RegExp(
  `${START}(?:function[ \\t]*\\*?|fn|func|fun(?:[ \\t]+<[^>\\n]*>)?|def|subroutine)[ \\t]+((?:[\\p{L}_$][\\p{L}\\p{N}_$]*[.:])*[\\p{L}_$][\\p{L}\\p{N}_$]*[?!=]?)`,
  "mu",
);
const ARROW = new RegExp(
  `${START}(?:const|let|var|val)[ \\t]+${NAME}\\b[^=\\n]{0,300}=[^>][^]{0,400}?(?:=>|\\bfunction\\b)`,
  "mu",
);
const SHELL = /^[ \t]*(?:function[ \t]+)?([\w:.-]+)[ \t]*\(\)\s*$|^[ \t]*function[ \t]+([\w:.-]+)\s*$/mu;
const TYPE_ALIAS = new RegExp(`${START}type[ \\t]+${NAME}`, "mu");
const MACRO = new RegExp(`^[ \\t]*macro_rules![ \\t]*${NAME}`, "mu");
const PYTHON = new RegExp(`^[ \\t]*(?:async[ \\t]+)?(class|def)[ \\t]+${NAME}`, "mu");
const RUBY = /^[ \t]*(class|module|def)[ \t]+((?:[\p{L}_]\w*(?:::|\.))*[\p{L}_]\w*[?!=]?)/mu;
const LUA = /^[ \t]*(?:local[ \t]+)?(function)[ \t]+([\p{L}_][\w.:]*)/mu;

const LONGEST_HEAD = 4000; // characters; what stands further up is no head any more

const CONTROL = new Set(
  "if for while switch catch return else do try with synchronized lock using foreach until unless guard match loop when await yield throw sizeof defer select case new delete typeof in of and or not assert require".split(
    " ",
  ),
);

/** The definition that a head with braces opens, or undefined; `inside`: directly in a container. */
export function bracedHead(
  whole: string,
  language: SourceLanguage,
  inside: boolean,
): DefinitionHead | undefined {
  const cut = Math.max(0, whole.length - LONGEST_HEAD);
  const found = headIn(whole.slice(cut), language.name, inside);
  return found && { ...found, at: found.at + cut };
}

function headIn(head: string, name: string, inside: boolean): DefinitionHead | undefined {
  if (name === "Shell") return shellHead(head);
  if (name === "Go") return goHead(head);
  if (name === "Rust") {
    const found = headOf(IMPL.exec(head), 1, true) ?? headOf(MACRO.exec(head), 1, false);
    if (found) return found;
  }
  const found = headOf(CONTAINER.exec(head), 1, true) ?? headOf(FUNCTION.exec(head), 1, false);
  if (found) return found;
  if (name === "TypeScript" || name === "JavaScript") {
    const other = headOf(ARROW.exec(head), 1, false) ?? headOf(TYPE_ALIAS.exec(head), 1, false);
    return other ?? (inside ? calledHead(head) : undefined);
  }
  return ["Rust", "Swift", "Kotlin", "PHP", "Scala"].includes(name) && !inside ? undefined : calledHead(head);
}

/** The definition that a line of an indented language opens. */
export function indentedHead(line: string, language: SourceLanguage): DefinitionHead | undefined {
  const pattern = language.name === "Ruby" ? RUBY : language.name === "Lua" ? LUA : PYTHON;
  const found = pattern.exec(line);
  return found
    ? { name: found[2]!, container: found[1] !== "def" && found[1] !== "function", at: 0 }
    : undefined;
}

function shellHead(head: string): DefinitionHead | undefined {
  const found = SHELL.exec(head);
  return headOf(found, found?.[1] === undefined ? 2 : 1, false);
}

function goHead(head: string): DefinitionHead | undefined {
  const type = headOf(GO_TYPE.exec(head), 1, false);
  if (type) return type;
  const found = GO_FUNCTION.exec(head);
  if (!found) return undefined;
  const name = found[1] === undefined ? found[2]! : `${found[1]}.${found[2]!}`;
  return { name, container: false, at: found.index };
}

/** "type name(arguments)" before braces, as C and its descendants define functions and methods. */
function calledHead(head: string): DefinitionHead | undefined {
  const bracket = head.indexOf("(");
  if (bracket < 0) return undefined;
  const before =
    /((?:[\p{L}_$~#][\p{L}\p{N}_$]*(?:<[^<>\n]{0,100}>)?::)*[~#]?[\p{L}_$][\p{L}\p{N}_$]*)\s*(?:<[^<>\n]{0,200}>)?\s*$/u.exec(
      head.slice(Math.max(0, bracket - 400), bracket),
    );
  const name = before?.[1];
  if (name === undefined || CONTROL.has(name) || /[=;]/.test(head.slice(lineStart(head, bracket), bracket)))
    return undefined;
  const at = lineStart(head, bracket);
  return CONTROL.has(/^\s*([a-z]+)/.exec(head.slice(at))?.[1] ?? "")
    ? undefined
    : { name, container: false, at };
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

function headOf(
  found: RegExpExecArray | null,
  group: number,
  container: boolean,
): DefinitionHead | undefined {
  return found ? { name: found[group]!, container, at: found.index } : undefined;
}
