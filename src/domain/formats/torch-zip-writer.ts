import type { TensorData, Weights } from "../matrix.ts";
import { joined, writeZip } from "./zip-writer.ts";

const ALIGNMENT = 64; // of tensor data in the file, as torch.save's

/** A state dict as torch.save writes it, loadable with weights_only=True; `root` is the archive's top folder. */
export function writeTorchZip(weights: Weights, root = "pytorch_model"): Uint8Array {
  const ascii = (text: string) => new TextEncoder().encode(text);
  const data = [...weights.values()].map((tensor, index) => ({
    name: `${root}/data/${index}`,
    bytes: littleEndian(tensor),
  }));
  const contents = [
    { name: `${root}/data.pkl`, bytes: stateDictPickle(weights) },
    { name: `${root}/.format_version`, bytes: ascii("1") },
    { name: `${root}/.storage_alignment`, bytes: ascii(String(ALIGNMENT)) },
    { name: `${root}/byteorder`, bytes: ascii("little") },
    ...data,
    { name: `${root}/version`, bytes: ascii("3\n") },
  ];
  return writeZip(contents, ALIGNMENT);
}

function littleEndian({ values }: TensorData): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
}

/** Protocol 2: OrderedDict of name → _rebuild_tensor_v2(persistent storage, 0, shape, stride, False, OrderedDict()). */
function stateDictPickle(weights: Weights): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x80, 2), orderedDict(), Uint8Array.of(0x28)];
  for (const [index, [name, tensor]] of [...weights].entries())
    parts.push(text(name), tensorCall(tensor, index));
  return joined([...parts, Uint8Array.of(0x75, 0x2e)]); // SETITEMS, STOP
}

function tensorCall(tensor: TensorData, index: number): Uint8Array {
  const strides = tensor.shape.map((_, axis) =>
    tensor.shape.slice(axis + 1).reduce((product, size) => product * size, 1),
  );
  const storage = [text("storage"), global("torch", "FloatStorage"), text(String(index)), text("cpu")];
  return joined([
    global("torch._utils", "_rebuild_tensor_v2"),
    Uint8Array.of(0x28),
    tuple([...storage, integer(tensor.values.length)]),
    Uint8Array.of(0x51), // BINPERSID
    integer(0),
    tuple(tensor.shape.map(integer)),
    tuple(strides.map(integer)),
    Uint8Array.of(0x89), // requires_grad False
    orderedDict(), // hooks
    Uint8Array.of(0x74, 0x52), // TUPLE, REDUCE
  ]);
}

function orderedDict(): Uint8Array {
  return joined([global("collections", "OrderedDict"), Uint8Array.of(0x29, 0x52)]);
}

function global(module: string, name: string): Uint8Array {
  return new TextEncoder().encode(`c${module}\n${name}\n`);
}

function tuple(items: readonly Uint8Array[]): Uint8Array {
  return joined([Uint8Array.of(0x28), ...items, Uint8Array.of(0x74)]);
}

function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return joined([Uint8Array.of(0x58), uint32(bytes.length), bytes]);
}

function integer(value: number): Uint8Array {
  if (value < 256) return Uint8Array.of(0x4b, value);
  if (value < 65_536) return Uint8Array.of(0x4d, value & 0xff, value >> 8);
  return joined([Uint8Array.of(0x4a), uint32(value)]);
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);
}
