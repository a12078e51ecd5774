import { Sha256 } from "../../domain/data/sha256.ts";

const hash = new Sha256();

/** SHA-256 of a text's UTF-8, 32 bytes. */
export function digestOf(text: string): Uint8Array<ArrayBuffer> {
  return hash.addText(text).finish();
}

export function hexadecimal(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** A digest as a key of a Map: one character a byte. */
export function digestKey(digest: Uint8Array): string {
  return String.fromCharCode(...digest);
}
