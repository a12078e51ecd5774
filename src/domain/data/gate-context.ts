// A question made from a chunk often points at the chunk ("according to the context information provided"): whoever
// searches does not see it, so nobody would ask that, and it cannot be answered at search time. Of the guide's
// questions 85 of 668 (Lyft) and 107 of 790 (Uber) are such (tests/domain/data/gate-lyft-uber.test.ts; trainers.md §10.5).
//
// "In the context of revenue recognition" names a subject and is fine; "in this context" points back into the question.

const TEXT = "(?:document|passage|excerpt|text|paragraph|snippet|article)";

const PHRASES: readonly RegExp[] = [
  /\bcontext(?:ual)? information\b/iu,
  /\b(?:given|provided|supplied|above|following|preceding) context\b/iu,
  /\b(?:in|from|to|by|on|per|within|of|using) the context\b(?! of\b)(?: information)?/iu,
  /\b(?:information|data|details|text) (?:provided|given|above|presented)(?: in the (?:context|document|text))?(?=[,.?;]|$)/iu,
  new RegExp(`\\b(?:provided|given|above) (?:information|data|details|${TEXT})\\b`, "iu"),
  /\btable of contents\b/iu,
  new RegExp(`\\b(?:according to|based on|as per) (?:the |this )${TEXT}\\b`, "iu"),
  new RegExp(`\\b(?:mentioned|discussed|provided|described) in (?:the |this )${TEXT}\\b`, "iu"),
];

/** The first words by which a question points at a text that a searcher does not see, or undefined. */
export function contextPhrase(question: string): string | undefined {
  let found: RegExpExecArray | undefined;
  for (const phrase of PHRASES) {
    const match = phrase.exec(question);
    if (match && (!found || match.index < found.index)) found = match;
  }
  return found?.[0];
}
