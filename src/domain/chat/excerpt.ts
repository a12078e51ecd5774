/** The beginning of a text for a message: at most `characters` of it, an ellipsis where there is more. */
export function excerpt(text: string, characters: number): string {
  const signs = [...text];
  return signs.length <= characters ? text : `${signs.slice(0, characters).join("")}…`;
}
