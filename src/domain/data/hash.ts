import { Sha256 } from "./sha256.ts";

const SHORT_BYTES = 8192; // up to here handing over to crypto.subtle takes longer than the digest itself

/** SHA-256 of bytes or of a text's UTF-8, as 64 lower-case hex digits. */
export async function sha256(content: Uint8Array | string): Promise<string> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const digest =
    bytes.length <= SHORT_BYTES
      ? new Sha256().add(bytes).finish()
      : new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
