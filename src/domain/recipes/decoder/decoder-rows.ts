import type { ChatFormat } from "../../chat/chat-format.ts";
import type { Conversation } from "../../chat/template-messages.ts";
import { trainingRows, type TrainingRows, type TrainingRowSettings } from "../../chat/training-rows.ts";
import type { RunControl } from "../../ports.ts";

/**
 * Conversations as rows to learn from, as `trainingRows` makes them of a file: notes and rows name conversations by their place, from
 * 1. `learn`: "answers" (default) all that the assistant says, "last-answer", or "everything": the prompts, too, which is what
 * LlamaIndex's text-to-SQL training does (llamaindex.md §8.5). Throws "too-little-data" where no row is left, "cancelled", "usage".
 */
export function decoderRows(
  format: ChatFormat,
  conversations: readonly Conversation[],
  settings: TrainingRowSettings,
  control?: RunControl,
): Promise<TrainingRows> {
  const lines = conversations.map((conversation, index) => ({
    line: index + 1,
    chat: { ...conversation, style: "plain" as const },
  }));
  return trainingRows(format, lines, settings, control);
}
