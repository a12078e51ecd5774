import type { ChatMessage } from "./chat.ts";

/**
 * The order of roles that a chat to learn from has: instructions first, then the user; what a called function returns
 * right after the call; the assistant last. `refusal` makes the error.
 */
export function checkOrder(messages: readonly ChatMessage[], refusal: (what: string) => Error): void {
  let previous: ChatMessage | undefined;
  for (const [place, message] of messages.entries()) {
    const fault = faultOf(message, previous);
    if (fault !== undefined) throw refusal(`message ${place + 1} (${message.role}) ${fault}`);
    previous = message;
  }
  if (previous && !isInstruction(previous) && previous.role === "assistant") return;
  throw refusal(
    `the last message is the ${previous?.role ?? "nobody"}'s; a chat to learn from ends with the assistant's`,
  );
}

/** Whether two messages of the user, or two of the assistant, follow each other: many chat templates refuse that. */
export function repeatsRole(messages: readonly ChatMessage[]): boolean {
  return messages.some(
    ({ role }, place) => (role === "user" || role === "assistant") && messages[place + 1]?.role === role,
  );
}

function faultOf(message: ChatMessage, previous: ChatMessage | undefined): string | undefined {
  const opens = previous === undefined || isInstruction(previous);
  const returns = message.role === "tool" || message.role === "function";
  if (isInstruction(message))
    return opens ? undefined : "stands after the talk began; instructions come first";
  if (opens) return message.role === "user" ? undefined : "opens the talk; the user does";
  const called = previous.calls !== undefined;
  const returned = previous.role === "tool" || previous.role === "function";
  if (returns) return called || returned ? undefined : "follows no call of a function";
  if (called) return "follows a call of a function, whose result is missing";
  return undefined;
}

function isInstruction({ role }: ChatMessage): boolean {
  return role === "system" || role === "developer";
}
