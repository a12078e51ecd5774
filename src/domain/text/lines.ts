/** A line of a text, its number from 1, without its line end ("\n" or "\r\n"). */
export interface TextLine {
  readonly line: number;
  readonly text: string;
}

/** The lines in order; after a last line end comes an empty one. No list of all is made: files have 10⁶ of them. */
export function* textLines(text: string): Generator<TextLine, void, void> {
  let line = 0;
  for (let from = 0; from <= text.length;) {
    const next = text.indexOf("\n", from);
    const end = next < 0 ? text.length : next;
    yield { line: ++line, text: text.slice(from, end > from && text[end - 1] === "\r" ? end - 1 : end) };
    from = end + 1;
  }
}
