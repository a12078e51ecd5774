import { validateChats } from "../../domain/chat/chat-validation.ts";
import { trainingEstimate } from "../../domain/chat/training-estimate.ts";
import type { Chat } from "../../domain/formats/datasets/chat.ts";
import type { DecoderModel } from "../../domain/models/decoder-model.ts";
import type { LabStore } from "../storage/lab-store.ts";
import type { LabEstimate } from "../studio-lab.ts";
import type { LabData } from "./lab-data.ts";

/** LlamaIndex's check of the training file and OpenAI's count of tokens and epochs, by a model's own tokenizer. */
export async function estimateChats(
  store: LabStore,
  labId: string,
  { task, train }: LabData,
  { format, config }: DecoderModel,
): Promise<LabEstimate> {
  const file = await store.file(labId, "train");
  const chats = train.flatMap((example) => task.conversations(example)).map(plain);
  const count = (text: string): number => format.tokenizer.encode(text).length;
  const { examples, tooLong, tokens, epochs, totalTokens } = trainingEstimate(
    chats,
    count,
    config.maxPositions,
  );
  const faults = file ? validateChats(file.name, file.bytes, { calls: true }).counts : {};
  return { examples, tooLong, longest: tokens.max, epochs, totalTokens, faults };
}

function plain(conversation: Pick<Chat, "messages" | "functions">): Chat {
  return { ...conversation, style: "plain" };
}
