/** A value for memory only: however it is printed, saved or sent, it reads "***". */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself, for the one header that needs it. */
  reveal(): string {
    return this.#value;
  }

  /** A text with every occurrence of the value blotted out, since servers like to repeat what they were sent. */
  blot(text: string): string {
    return this.#value === "" ? text : text.replaceAll(this.#value, "***");
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  /** What Node's console shows. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "Secret(***)";
  }
}
