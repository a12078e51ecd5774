// torch.save of a state dict: a ZIP of data.pkl (the names, shapes and strides), data/N (the raw little-endian values)
// and version. Read without running anything; written so that torch.load(weights_only=True) takes it.
import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import type { TensorData, Weights } from "../matrix.ts";
import { decodeFloats, firstNotFinite, FLOAT_BYTES, type FloatType } from "./floats.ts";
import { isKind, readPickle, type PickleValue } from "./pickle.ts";
import { openZip, type ZipArchive } from "./zip.ts";

const LEGACY_MAGIC = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const ORDERED_DICT = "collections.OrderedDict";
const REBUILD = "torch._utils._rebuild_tensor_v2";
const STORAGES: ReadonlyMap<string, FloatType> = new Map([
  ["torch.FloatStorage", "F32"],
  ["torch.HalfStorage", "F16"],
  ["torch.BFloat16Storage", "BF16"],
  ["torch.DoubleStorage", "F64"],
]);
const NAMES = new Set([ORDERED_DICT, REBUILD, ...STORAGES.keys()]);

/**
 * The tensors of a torch.save file as row-major float32, in the order of the state dict; strides, offsets and shared
 * storages are resolved. Errors: E_ZIP and E_CHECKSUM (container), E_PICKLE (torch's old container, a name that is
 * not a tensor's, a tensor outside its storage, NaN or infinity).
 */
export function readTorchZip(bytes: Uint8Array, file?: string): Weights {
  if (LEGACY_MAGIC.every((byte, index) => bytes[index] === byte)) {
    throw failure(
      file,
      "this is torch's old file format (before 1.6); load it in torch and save it again with torch.save, or as safetensors",
    );
  }
  return new StateDictReader(openZip(bytes, file), file).read();
}

interface Storage {
  readonly type: FloatType;
  readonly key: string;
  readonly count: number;
}

class StateDictReader {
  private readonly root: string;
  private readonly storages = new Map<string, Float32Array>();
  private readonly archive: ZipArchive;
  private readonly file: string | undefined;

  constructor(archive: ZipArchive, file: string | undefined) {
    this.archive = archive;
    this.file = file;
    const pickle = [...archive.entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
    if (pickle === undefined)
      throw failure(file, "the archive has no data.pkl, so it was not made by torch.save");
    this.root = pickle.slice(0, -"data.pkl".length);
  }

  read(): Weights {
    this.record("version");
    const order = this.archive.entries.has(`${this.root}byteorder`) ? this.text("byteorder") : "little";
    if (order !== "little")
      throw failure(this.file, `values are stored ${JSON.stringify(order)}-endian; only little is read`);
    const world = {
      names: NAMES,
      call: (name: string, args: readonly PickleValue[]) => this.call(name, args),
      persistent: (id: PickleValue) => this.storage(id),
    };
    const root = readPickle(this.record("data.pkl"), world, this.file);
    if (!isKind(root, "dict")) throw failure(this.file, "it holds no state dict (names with tensors)");
    const weights = new Map<string, TensorData>();
    for (const [name, value] of root.entries) {
      const tensor = isKind(value, "result") ? value.value : undefined;
      if (typeof name !== "string" || !isTensor(tensor)) {
        throw failure(
          this.file,
          `the entry ${typeof name === "string" ? JSON.stringify(name.slice(0, 100)) : "without a name"} of the state dict is no tensor`,
        );
      }
      const odd = firstNotFinite(tensor.values);
      if (odd >= 0)
        throw failure(this.file, `tensor ${JSON.stringify(name)}: value ${odd} is ${tensor.values[odd]!}`);
      weights.set(name, tensor);
    }
    return weights;
  }

  private call(name: string, args: readonly PickleValue[]): PickleValue {
    if (name === REBUILD) return { kind: "result", value: this.tensor(args) };
    if (name === ORDERED_DICT && args.length === 0) return { kind: "dict", entries: new Map() };
    throw failure(this.file, `an unexpected call of ${name}`);
  }

  /** ("storage", torch.XStorage, key, device, number of values) */
  private storage(id: PickleValue): PickleValue {
    const items = isKind(id, "tuple") ? id.items : [];
    const [tag, kind, key, , count] = items;
    const type = isKind(kind, "name") ? STORAGES.get(kind.name) : undefined;
    const fits = tag === "storage" && type && typeof key === "string" && isCount(count) && items.length === 5;
    if (!fits) throw failure(this.file, "a storage that is none of Float, Half, BFloat16, Double");
    const storage: Storage = { type, key, count };
    return { kind: "result", value: storage };
  }

  /** _rebuild_tensor_v2(storage, offset, shape, stride, requires_grad, hooks) */
  private tensor(args: readonly PickleValue[]): TensorData {
    const storage = isKind(args[0], "result") ? (args[0].value as Storage) : undefined;
    const [offset, shape, stride] = [args[1], counts(args[2]), counts(args[3])];
    if (!storage?.key || !isCount(offset) || !shape || shape.length !== stride?.length) {
      throw failure(this.file, "a tensor without storage, offset, shape or stride");
    }
    const size = shape.reduce((product, length) => product * length, 1);
    const last = shape.reduce((sum, length, axis) => sum + (length - 1) * stride[axis]!, offset);
    if (size === 0 || size > storage.count || last >= storage.count) {
      const sizes = `[${shape.join(", ")}], stride [${stride.join(", ")}], offset ${offset}`;
      throw failure(
        this.file,
        `a tensor of shape ${sizes} does not fit its storage of ${storage.count} values`,
      );
    }
    return { shape, values: gather(this.values(storage), offset, shape, stride) };
  }

  private values(storage: Storage): Float32Array {
    const known = this.storages.get(`${storage.type} ${storage.key}`);
    if (known) return known;
    const bytes = this.record(`data/${storage.key}`);
    if (bytes.length !== storage.count * FLOAT_BYTES[storage.type]) {
      const wanted = `${storage.count} values of ${storage.type}`;
      throw failure(this.file, `data/${storage.key} has ${bytes.length} bytes, which is not ${wanted}`);
    }
    const values = decodeFloats(bytes, storage.type);
    this.storages.set(`${storage.type} ${storage.key}`, values);
    return values;
  }

  private record(name: string): Uint8Array {
    const entry = this.archive.entries.get(this.root + name);
    if (!entry) throw failure(this.file, `${this.root}${name} is missing in the archive`);
    return this.archive.extract(entry);
  }

  private text(name: string): string {
    return new TextDecoder("latin1").decode(this.record(name)).trim();
  }
}

/** The values of a strided view, row-major. */
function gather(
  storage: Float32Array,
  offset: number,
  shape: readonly number[],
  stride: readonly number[],
): Float32Array {
  const size = shape.reduce((product, length) => product * length, 1);
  const values = new Float32Array(size);
  const index = shape.map(() => 0);
  let from = offset;
  for (let position = 0; position < size; position++) {
    values[position] = storage[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += stride[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= stride[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return values;
}

function counts(value: PickleValue | undefined): readonly number[] | undefined {
  if (!isKind(value, "tuple") || value.items.length > 8 || !value.items.every(isCount)) return undefined;
  return value.items;
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 40;
}

function isTensor(value: unknown): value is TensorData {
  return typeof value === "object" && value !== null && "shape" in value && "values" in value;
}

function failure(file: string | undefined, what: string): RetuneError {
  return new RetuneError("E_PICKLE", opening(file) + what, placeIn(file));
}
