// What a passage and a question of the sample project must satisfy. Each rule throws with the place and the numbers.

/** Lower-case [a-z0-9]+ tokens, the same ones BM25 counts. */
export const tokensOf = (text) => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

/** The set of runs of `size` consecutive tokens. */
export function shinglesOf(text, size) {
  const tokens = tokensOf(text);
  const shingles = new Set();
  for (let start = 0; start + size <= tokens.length; start++)
    shingles.add(tokens.slice(start, start + size).join(" "));
  return shingles;
}

/** Share of `part` found in `whole`, 0–1; 0 where `part` is empty. */
export function shareOf(part, whole) {
  let found = 0;
  for (const item of part) if (whole.has(item)) found++;
  return part.size === 0 ? 0 : found / part.size;
}

/** 60–140 words a passage; no passage has 30 % of its 5-word shingles in another one. */
export function checkPassages(passages) {
  const shingles = passages.map(({ text }) => shinglesOf(text, 5));
  passages.forEach(({ id, text }, row) => {
    const words = text.split(/\s+/).length;
    if (words < 60 || words > 140) throw new Error(`${id}: ${words} words, 60 to 140 are wanted`);
    passages.forEach((other, column) => {
      const share = row === column ? 0 : shareOf(shingles[row], shingles[column]);
      if (share >= 0.3)
        throw new Error(
          `${id}: ${(share * 100).toFixed(0)} % of its 5-word runs are in ${other.id}; under 30 is wanted`,
        );
    });
  });
}

function checkQuestion(id, question, text) {
  if (question.trim() === "" || question !== question.trim())
    throw new Error(`${id}: a question is empty or has blanks around it: ${JSON.stringify(question)}`);
  const copied = shareOf(shinglesOf(question, 3), shinglesOf(text, 3));
  if (copied >= 0.5)
    throw new Error(
      `${id}: ${(copied * 100).toFixed(0)} % of the 3-word runs are copied, ask in other words: ${question}`,
    );
}

/** Three questions a passage, each of them once in the whole handbook and in words other than the passage's. */
export function checkQuestions(passages, questions) {
  const known = new Map(passages.map(({ id, text }) => [id, text]));
  const stray = Object.keys(questions).find((id) => !known.has(id));
  if (stray !== undefined) throw new Error(`questions.json: no passage has the id ${stray}`);
  const seen = new Map();
  for (const [id, text] of known) {
    const asked = questions[id] ?? [];
    if (asked.length !== 3) throw new Error(`${id}: ${asked.length} questions, 3 are wanted`);
    for (const question of asked) {
      const key = tokensOf(question).join(" ");
      if (seen.has(key)) throw new Error(`${id}: the same question as in ${seen.get(key)}: ${question}`);
      seen.set(key, id);
      checkQuestion(id, question, text);
    }
  }
}
