/** What the embed worker is asked about instruct models. */
export interface TeacherMethods {
  /** Writes questions into a project; answers how many there are more. */
  readonly writeQuestions: {
    readonly params: {
      readonly projectId: string;
      readonly modelId: string;
      readonly perPassage: number;
      readonly template: string | undefined;
    };
    readonly result: number;
  };
  /** Loads a model and gives its answer to a word of trial. */
  readonly tryTeacher: { readonly params: { readonly modelId: string }; readonly result: string };
}
