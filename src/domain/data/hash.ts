import { Sha256 } from "./sha256.ts";

const SHORT = 8192; // up to here handing over to crypto.subtle takes longer than the digest itself

/** SHA-256 of bytes or of a text's UTF-8, as 64 lower-case hex digits. */
export async function sha256(content: Uint8Array | string): Promise<string> {
  const digest = content.length <= SHORT ? shortDigest(content) : await longDigest(content);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function shortDigest(content: Uint8Array | string): Uint8Array {
  const hash = new Sha256();
  return (typeof content === "string" ? hash.addText(content) : hash.add(content)).finish();
}

async function longDigest(content: Uint8Array | string): Promise<Uint8Array> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}
