import type { RunControl } from "../domain/ports.ts";

// Models on this machine that write questions: the browser's own, and instruct models run by transformers.js.

/** "ready": at hand; "downloadable": the browser fetches its model first; "missing": this browser has none. */
export type BuiltInState = "ready" | "downloadable" | "missing";

/** An instruct model whose files are kept in this browser. */
export interface TeacherModel {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
}

export interface TeachersView {
  readonly builtIn: BuiltInState;
  readonly models: readonly TeacherModel[];
  readonly template: string; // the prompt that is used where a person writes none
}

export interface TeacherStudio {
  view(): Promise<TeachersView>;
  /** A folder as the hub lays it out: config.json, tokenizer.json, tokenizer_config.json and onnx/model*.onnx. */
  addFolder(files: readonly File[]): Promise<TeacherModel>;
  /** Asks the hub how large an instruct model is. Connected page only. */
  lookUp(id: string): Promise<{ readonly id: string; readonly files: number; readonly totalBytes: number }>;
  addFromHub(id: string, control?: RunControl): Promise<TeacherModel>;
  remove(id: string): Promise<void>;
}
