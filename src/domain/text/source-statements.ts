/** A stretch of code at one depth of braces; `open` and `close` are its braces. */
export interface Statement {
  readonly start: number;
  readonly open: number;
  readonly close: number;
  readonly end: number; // after its last character
}

const GOES_ON = /^\s*(?:\{|extends\b|implements\b|where\b|throws\b|with\b|->|=|:|\.|&&|\|\||\?|,|\))/;
const UNFINISHED = /[=,&|?:+*<.-]\s*$/;
const LOOK = 200; // characters that are looked at around the end of a line

/**
 * The statements with braces between two offsets, comments and texts blanked out. One begins after a semicolon, after
 * closing braces, or after a line that the next one does not go on with.
 */
export function statementsOf(bare: string, from: number, to: number): Statement[] {
  return new StatementReader(bare, from, to).read();
}

class StatementReader {
  private readonly bare: string;
  private readonly to: number;
  private at: number;
  private start: number;
  private round = 0; // brackets open outside of braces
  private braces = 0;
  private open: number | undefined;
  private holdsCode = false;

  constructor(bare: string, from: number, to: number) {
    this.bare = bare;
    this.to = to;
    this.at = from;
    this.start = from;
  }

  read(): Statement[] {
    const found: Statement[] = [];
    for (; this.at < this.to; this.at++) {
      const character = this.bare[this.at]!;
      if (character === "{") this.enter();
      else if (character === "}") found.push(...this.leave());
      else if (this.braces === 0) this.outside(character);
    }
    return found;
  }

  private enter(): void {
    if (this.braces === 0 && this.round === 0) this.open ??= this.at;
    this.braces++;
  }

  private leave(): Statement[] {
    this.braces = Math.max(0, this.braces - 1);
    const { start, open, at } = this;
    if (this.braces > 0 || open === undefined) return [];
    this.begin(at + 1);
    return [{ start, open, close: at, end: at + 1 }];
  }

  private outside(character: string): void {
    if (character === "(" || character === "[") this.round++;
    else if (character === ")" || character === "]") this.round = Math.max(0, this.round - 1);
    else if (this.round > 0) return;
    else if (character === ";") this.begin(this.at + 1);
    else if (character !== "\n") this.holdsCode ||= character > " ";
    else if (this.holdsCode && !this.goesOn()) this.begin(this.at + 1);
  }

  private goesOn(): boolean {
    const { bare, at, to } = this;
    return (
      GOES_ON.test(bare.slice(at, Math.min(to, at + LOOK))) ||
      UNFINISHED.test(bare.slice(Math.max(this.start, at - LOOK), at))
    );
  }

  private begin(at: number): void {
    this.start = at;
    this.open = undefined;
    this.round = 0;
    this.holdsCode = false;
  }
}
