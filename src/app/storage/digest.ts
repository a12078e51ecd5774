/** SHA-256 as 64 hexadecimal digits. A view is hashed by its own bytes, not by its whole buffer. */
export async function sha256(data: Uint8Array | string): Promise<string> {
  return hexadecimal(await sha256Bytes(data));
}

export async function sha256Bytes(data: Uint8Array | string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}

export function hexadecimal(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
