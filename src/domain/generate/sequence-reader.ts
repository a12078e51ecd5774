/** A sequence that a model is reading; what stands for it is the reader's affair. */
export interface ReadSequence {
  readonly tokens: number; // read so far
}

/** New tokens of a sequence. */
export interface Reading {
  readonly sequence: ReadSequence;
  readonly ids: readonly number[]; // at least one
}

/** Reads sequences on: prompts first, then the tokens that answer them one by one. */
export interface SequenceReader {
  /** Room for a sequence of at most so many tokens; undefined where there is none until another one is closed. */
  open(tokens: number): ReadSequence | undefined;
  /** Reads the ids after what was read of their sequences → logits of what comes next, [readings, vocabulary]. */
  read(readings: readonly Reading[]): Promise<Float32Array>;
  close(sequence: ReadSequence): void;
}
