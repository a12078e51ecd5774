const segmenters = new Map<string, Intl.Segmenter>();

/** After these a full stop ends no sentence, though a capital follows. */
const ABBREVIATION =
  /(?:^|[\s(])(?:Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|No|Nos|Fig|Figs|Eq|Sec|Ch|Vol|vs|etc|approx|Inc|Ltd|Co|Corp|e\.g|i\.e|cf|al|p|pp|\p{Lu})\.\s*$/u;

/** Sentences of a text in order, trimmed, none empty (Unicode UAX 29, abbreviations joined to what follows). */
export function sentencesOf(text: string, locale = "en"): string[] {
  let segmenter = segmenters.get(locale);
  if (!segmenter)
    segmenters.set(locale, (segmenter = new Intl.Segmenter(locale, { granularity: "sentence" })));
  const sentences: string[] = [];
  let open = "";
  for (const { segment } of segmenter.segment(text)) {
    open += segment;
    if (ABBREVIATION.test(open.slice(-16))) continue;
    if (open.trim() !== "") sentences.push(open.trim());
    open = "";
  }
  if (open.trim() !== "") sentences.push(open.trim());
  return sentences;
}
