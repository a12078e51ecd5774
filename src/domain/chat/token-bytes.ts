// What a token adds to a text, byte by byte, by the decoder that tokenizer.json names:
//   ByteLevel           each letter stands for a byte (GPT-2's map)
//   ByteFallback        "<0x0A>" is a byte; "▁" is a space (Replace, Metaspace)
//   WordPiece, or none  a space stands before every piece but the first ("##ing" goes on without)
// A text's first token may lose the space before it (Strip, Metaspace, WordPiece): `first` says it begins one.
import { RetuneError } from "../../engine/errors.ts";

/** The bytes that a piece of the vocabulary stands for. */
export type PieceBytes = (piece: string, first: boolean) => Uint8Array;

type Member = Readonly<Record<string, unknown>>;

const utf8 = new TextEncoder();
const BYTE_PIECE = /^<0x([0-9A-Fa-f]{2})>$/;

/** How the decoder of a parsed tokenizer.json spells pieces. Throws "unsupported" where it changes texts in another way. */
export function pieceBytes(decoder: unknown): PieceBytes {
  const members = membersOf(decoder);
  const known = members.every(({ type }) => KNOWN.includes(String(type)));
  if (!known) {
    const names = members.map(({ type }) => String(type)).join(", ");
    const text = `tokenizer.json: what a token adds to a text is not known for the decoder ${names}`;
    throw new RetuneError("unsupported", `${text}; answers of this model cannot be held to a grammar`);
  }
  if (members.some(({ type }) => type === "ByteLevel")) return byteLevel;
  const pieces = members.find(({ type }) => type === "WordPiece");
  if (pieces || members.length === 0) return spaced(textOr(pieces?.["prefix"], ""));
  return withFallback(members);
}

const KNOWN = ["ByteLevel", "ByteFallback", "Replace", "Fuse", "Strip", "Metaspace", "WordPiece"];

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

function membersOf(decoder: unknown): readonly Member[] {
  if (typeof decoder !== "object" || decoder === null) return [];
  const own = decoder as Member;
  if (own["type"] !== "Sequence" || !Array.isArray(own["decoders"])) return [own];
  return own["decoders"].flatMap(membersOf);
}

const byteLevel: PieceBytes = (piece) => {
  const bytes = [...piece].map((letter) => BYTES.get(letter));
  return bytes.includes(undefined) ? utf8.encode(piece) : Uint8Array.from(bytes as number[]);
};

/** Letters of GPT-2's bytes_to_unicode: bytes that can be seen stand for themselves, the others for letters from U+0100 on. */
const BYTES: ReadonlyMap<string, number> = byteLetters();

function byteLetters(): Map<string, number> {
  const seen = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return new Map(
    Array.from({ length: 256 }, (_, byte) => [String.fromCodePoint(seen(byte) ? byte : next++), byte]),
  );
}

function spaced(prefix: string): PieceBytes {
  return (piece, first) => {
    if (first) return utf8.encode(piece);
    return utf8.encode(prefix !== "" && piece.startsWith(prefix) ? piece.slice(prefix.length) : ` ${piece}`);
  };
}

function withFallback(members: readonly Member[]): PieceBytes {
  const strips = members.some(({ type, start }) => type === "Strip" && start === 1);
  const metaspace = members.find(({ type }) => type === "Metaspace");
  const fallback = members.some(({ type }) => type === "ByteFallback");
  const replaced = members.flatMap((member): (readonly [string, string])[] => {
    if (member["type"] === "Metaspace") return [[textOr(member["replacement"], "▁"), " "]];
    const pattern = (member["pattern"] as Member | undefined)?.["String"];
    return member["type"] === "Replace" && typeof pattern === "string"
      ? [[pattern, textOr(member["content"], "")]]
      : [];
  });
  return (piece, first) => {
    const byte = fallback ? BYTE_PIECE.exec(piece)?.[1] : undefined;
    if (byte !== undefined) return Uint8Array.of(parseInt(byte, 16));
    const text = replaced.reduce((own, [pattern, content]) => own.replaceAll(pattern, content), piece);
    const cut = first && (strips || metaspace !== undefined) && text.startsWith(" ");
    return utf8.encode(cut ? text.slice(1) : text);
  };
}
