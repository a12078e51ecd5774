import type { MiningView, NegativeDecision } from "../app/studio-mining.ts";

/** What was decided, without reading everything again; questions that nothing was decided on stay the same objects. */
export function withStates(view: MiningView, decisions: readonly NegativeDecision[]): MiningView {
  const states = new Map<string, Map<string, NegativeDecision["state"]>>();
  for (const { questionId, passageId, state } of decisions) {
    const own = states.get(questionId) ?? new Map<string, NegativeDecision["state"]>();
    states.set(questionId, own.set(passageId, state));
  }
  const questions = view.questions.map((question) => {
    const own = states.get(question.questionId);
    if (!own) return question;
    const candidates = question.candidates.map((each) => {
      const state = own.get(each.passageId);
      return state === undefined ? each : { ...each, state };
    });
    return { ...question, candidates };
  });
  return { ...view, questions };
}
