// 32 texts that go along with every export: questions and passages of our own, short and long, other scripts, figures,
// punctuation, and one longer than any model sees. Never a row of a person's data.
const LONG =
  "The gripper is calibrated before every shift, and the torque of each joint is written to the log. ";

export const PARITY_TEXTS: readonly string[] = [
  "how many days of leave do employees receive each year",
  "What was the revenue of the last quarter?",
  "who approves travel above 2,000 euros",
  "reset the door sensor",
  "Why does the pump stop after ten minutes?",
  "is smoking allowed on the roof terrace",
  "error code E-17 on the display",
  "parental leave second child",
  "torque limits of joint 3",
  "When is the pension plan open to part-time staff?",
  "The quick brown fox jumps over the lazy dog.",
  "Employees receive thirty days of paid leave a year; unused days expire in March.",
  "Revenue grew by 12.4 % to $1.38 billion, driven by subscriptions.",
  "Travel above EUR 2,000 needs the approval of the head of department and of finance.",
  "Hold the button for five seconds until the light turns green, then close the cover.",
  "The pump stops by itself when the water level falls below the lower float.",
  "Crème brûlée, naïve café — 3.5 % in 2021!",
  "Größe, Übermaß, Straße",
  "температура не должна превышать 60 градусов",
  "機器人每天早上校準夾爪。",
  "ロボットは毎朝グリッパーを校正する",
  "μ = 0.3 ± 0.05 N·m, α → β",
  "see https://example.org/manual?page=7#section-2",
  "price: 19.99, 1,000,000 units, 50-60 Hz, -5 to +40 degrees",
  "a",
  "42",
  "!?",
  "re-ranker, bi-encoder, cross-encoder; state-of-the-art",
  "A cross-encoder reads the question and the passage together and gives one score.",
  "Vectors of length one make the dot product a cosine.",
  LONG.trim(),
  LONG.repeat(40).trim(),
];

/** The same texts as pairs of a question and a passage: each of the 32 with one far from it in the list. */
export const PARITY_PAIRS: readonly (readonly [string, string])[] = PARITY_TEXTS.map((text, index) => [
  text,
  PARITY_TEXTS[(index * 5 + 11) % PARITY_TEXTS.length]!,
]);
