// A pickle is a program for a stack machine; Python's own machine will import and call whatever it names. This one has
// no such power: it knows the opcodes a torch state dict is made of, and every name goes to the caller's short list.
// Anything else ends the reading. Opcodes: CPython Lib/pickletools.py. The file is long because they are one table.
import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleName
  | PickleResult;

export interface PickleTuple {
  readonly kind: "tuple";
  readonly items: readonly PickleValue[];
}
export interface PickleList {
  readonly kind: "list";
  readonly items: PickleValue[];
}
export interface PickleDict {
  readonly kind: "dict"; // dict and OrderedDict alike
  readonly entries: Map<PickleValue, PickleValue>;
}
/** A global that the caller allows, "module.name"; it can only be called through `call`. */
export interface PickleName {
  readonly kind: "name";
  readonly name: string;
}
/** What the caller made of a call or a persistent id. */
export interface PickleResult {
  readonly kind: "result";
  readonly value: unknown;
}

export interface PickleWorld {
  /** Names that may stand in the pickle, as "module.name"; every other one is refused unread. */
  readonly names: ReadonlySet<string>;
  /** REDUCE of an allowed name. Throw to refuse. */
  call(name: string, args: readonly PickleValue[]): PickleValue;
  /** BINPERSID. Throw to refuse. */
  persistent(id: PickleValue): PickleValue;
}

const MARK = Symbol("mark");
const MAX_STACK = 1_000_000;

/** Runs a pickle in the given world. E_PICKLE with the byte for any opcode, name or call that is not on the lists. */
export function readPickle(bytes: Uint8Array, world: PickleWorld, file?: string): PickleValue {
  return new PickleMachine(bytes, world, file).run();
}

class PickleMachine {
  private at = 0;
  private opcodeAt = 0;
  private readonly stack: (PickleValue | typeof MARK)[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  private readonly world: PickleWorld;
  private readonly file: string | undefined;

  constructor(bytes: Uint8Array, world: PickleWorld, file: string | undefined) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.world = world;
    this.file = file;
  }

  run(): PickleValue {
    for (;;) {
      this.opcodeAt = this.at;
      const opcode = this.unsigned(1);
      if (opcode === 0x2e) break; // STOP
      const known =
        this.framing(opcode) || this.literal(opcode) || this.container(opcode) || this.named(opcode);
      if (!known)
        throw this.error(`opcode 0x${opcode.toString(16).padStart(2, "0")} has no place in a state dict`);
      if (this.stack.length > MAX_STACK) throw this.error("the stack grows without end");
    }
    if (this.at !== this.bytes.length) throw this.error(`${this.bytes.length - this.at} bytes after the end`);
    const result = this.pop();
    if (this.stack.length > 0) throw this.error("values are left over at the end");
    return result;
  }

  private framing(opcode: number): boolean {
    switch (opcode) {
      case 0x80: {
        const protocol = this.unsigned(1);
        if (protocol < 2 || protocol > 5) throw this.error(`protocol ${protocol} is not known; 2 to 5 are`);
        return true;
      }
      case 0x95: // FRAME
        this.long();
        return true;
      case 0x71: // BINPUT
        return this.remember(this.unsigned(1));
      case 0x72: // LONG_BINPUT
        return this.remember(this.unsigned(4));
      case 0x94: // MEMOIZE
        return this.remember(this.memo.size);
      case 0x68: // BINGET
        return this.recall(this.unsigned(1));
      case 0x6a: // LONG_BINGET
        return this.recall(this.unsigned(4));
      default:
        return false;
    }
  }

  private literal(opcode: number): boolean {
    switch (opcode) {
      case 0x4e: // NONE
        return this.push(null);
      case 0x88: // NEWTRUE
        return this.push(true);
      case 0x89: // NEWFALSE
        return this.push(false);
      case 0x4b: // BININT1
        return this.push(this.unsigned(1));
      case 0x4d: // BININT2
        return this.push(this.unsigned(2));
      case 0x4a: // BININT
        return this.push(this.unsigned(4) | 0);
      case 0x8a: // LONG1
        return this.push(this.longInteger(this.unsigned(1)));
      case 0x47: // BINFLOAT
        return this.push(this.view.getFloat64(this.take(8)));
      case 0x58: // BINUNICODE
        return this.push(this.text(this.unsigned(4)));
      case 0x8c: // SHORT_BINUNICODE
        return this.push(this.text(this.unsigned(1)));
      case 0x8d: // BINUNICODE8
        return this.push(this.text(this.long()));
      default:
        return false;
    }
  }

  private container(opcode: number): boolean {
    switch (opcode) {
      case 0x28: // MARK
        this.stack.push(MARK);
        return true;
      case 0x7d: // EMPTY_DICT
        return this.push({ kind: "dict", entries: new Map() });
      case 0x5d: // EMPTY_LIST
        return this.push({ kind: "list", items: [] });
      case 0x29: // EMPTY_TUPLE
        return this.push({ kind: "tuple", items: [] });
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.push({ kind: "tuple", items: this.popSome(opcode - 0x84) });
      case 0x74: // TUPLE
        return this.push({ kind: "tuple", items: this.popToMark() });
      case 0x73: // SETITEM
        return this.setItems(this.popSome(2));
      case 0x75: // SETITEMS
        return this.setItems(this.popToMark());
      case 0x61: // APPEND
        return this.append(this.popSome(1));
      case 0x65: // APPENDS
        return this.append(this.popToMark());
      default:
        return false;
    }
  }

  private named(opcode: number): boolean {
    switch (opcode) {
      case 0x63: // GLOBAL
        return this.global(this.line(), this.line());
      case 0x93: {
        const [module, name] = this.popSome(2); // STACK_GLOBAL
        if (typeof module !== "string" || typeof name !== "string")
          throw this.error("a name that is no text");
        return this.global(module, name);
      }
      case 0x52: // REDUCE
        return this.reduce();
      case 0x51: // BINPERSID
        return this.push(this.world.persistent(this.pop()));
      case 0x62: // BUILD: a state dict's own attributes ("_metadata"), which hold no tensors
        return this.build();
      default:
        return false;
    }
  }

  private global(module: string, name: string): boolean {
    const full = `${module}.${name}`;
    if (!this.world.names.has(full)) {
      throw this.error(
        `it names ${JSON.stringify(full.slice(0, 100))}, which Python would run on loading; nothing was run. ` +
          "Only plain tensors are read: ask the sender for safetensors",
      );
    }
    return this.push({ kind: "name", name: full });
  }

  private reduce(): boolean {
    const [callable, args] = this.popSome(2);
    const isCall = isKind(callable, "name") && isKind(args, "tuple");
    if (!isCall) throw this.error("a call of something that is no name");
    return this.push(this.world.call(callable.name, args.items));
  }

  private build(): boolean {
    const [target] = this.popSome(2);
    if (!isKind(target, "dict")) throw this.error("attributes are set on something that is no dict");
    return this.push(target);
  }

  private setItems(items: readonly PickleValue[]): boolean {
    const target = this.top();
    if (!isKind(target, "dict") || items.length % 2 !== 0)
      throw this.error("items for something that is no dict");
    for (let index = 0; index < items.length; index += 2)
      target.entries.set(items[index]!, items[index + 1]!);
    return true;
  }

  private append(items: readonly PickleValue[]): boolean {
    const target = this.top();
    if (!isKind(target, "list")) throw this.error("items for something that is no list");
    for (const item of items) target.items.push(item);
    return true;
  }

  private remember(key: number): boolean {
    this.memo.set(key, this.top());
    return true;
  }

  private recall(key: number): boolean {
    const value = this.memo.get(key);
    if (value === undefined) throw this.error(`memo ${key} was never set`);
    return this.push(value);
  }

  private push(value: PickleValue): boolean {
    this.stack.push(value);
    return true;
  }

  private top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined || value === MARK) throw this.error("the stack is empty");
    return value;
  }

  private pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private popSome(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  private popToMark(): PickleValue[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) throw this.error("no mark on the stack");
    return this.stack.splice(mark).slice(1) as PickleValue[];
  }

  private take(count: number): number {
    const start = this.at;
    if (!(start + count <= this.bytes.length)) throw this.error("it is cut off");
    this.at += count;
    return start;
  }

  private unsigned(count: 1 | 2 | 4): number {
    const start = this.take(count);
    if (count === 1) return this.bytes[start]!;
    return count === 2 ? this.view.getUint16(start, true) : this.view.getUint32(start, true);
  }

  private long(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }

  /** Little-endian two's complement of any length. */
  private longInteger(count: number): number | bigint {
    const start = this.take(count);
    let value = 0n;
    for (let index = count - 1; index >= 0; index--)
      value = (value << 8n) | BigInt(this.bytes[start + index]!);
    if (count > 0 && this.bytes[start + count - 1]! >= 0x80) value -= 1n << BigInt(8 * count);
    return value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value;
  }

  private text(length: number): string {
    const start = this.take(length);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        this.bytes.subarray(start, this.at),
      );
    } catch {
      throw this.error("a text is not UTF-8");
    }
  }

  private line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw this.error("it is cut off");
    const line = this.text(end - this.at);
    this.at = end + 1;
    return line;
  }

  private error(what: string): RetuneError {
    const byte = this.opcodeAt;
    return new RetuneError(
      "E_PICKLE",
      `${opening(this.file)}pickle byte ${byte}: ${what}`,
      placeIn(this.file, { byte }),
    );
  }
}

export function isKind<Kind extends "tuple" | "list" | "dict" | "name" | "result">(
  value: PickleValue | undefined,
  kind: Kind,
): value is Extract<PickleValue, { kind: Kind }> {
  return typeof value === "object" && value !== null && value.kind === kind;
}
