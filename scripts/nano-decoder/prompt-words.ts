// Words of the fixed texts that systems put around their rows, so that they are whole pieces.
export const WORDS_OF_PROMPTS: readonly string[] = [
  "Question: Reference: Answer: Context: Request: Text: Call: A: B: C:",
  "Question Reference Answer Context Request Text Call Tools Tool",
  "1. 2. 3. 4. 5. 6. 7. 8. 9.\n1. \n2. \n1) \n2) (1) (2) [[A]] [[B]] [[C]]",
  "Tools: Thought: Action: lookup\nAction Input: \nObservation: \nAnswer: ",
  "Choose the number of what fits the question best. none of these null true false",
  "Write the text in the style. Rewrite it. Answer the question. Call one function or none. Which answer is better?",
];
