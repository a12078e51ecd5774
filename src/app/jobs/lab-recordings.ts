import type { SentBytes } from "../protocol/sent-files.ts";
import type { LabRecording } from "../studio-lab.ts";

/** Kept answers as OpenAI's chat JSONL: {"messages": [user, assistant]}, a line each, read back before it is handed over. */
export function chatLinesOf(project: string, recordings: readonly LabRecording[]): SentBytes {
  const lines = recordings.map(({ prompt, answer }) => {
    const messages = [
      { role: "user", content: prompt },
      { role: "assistant", content: answer },
    ];
    return `${JSON.stringify({ messages })}\n`;
  });
  const bytes = new TextEncoder().encode(lines.join(""));
  const name = `${project.replaceAll(/[^\p{L}\p{N}]+/gu, "-").toLowerCase()}-recorded.jsonl`;
  return { name, bytes, verified: `${recordings.length} conversations` };
}
