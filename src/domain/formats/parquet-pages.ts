// A walk over the pages of a Parquet file before its reader decodes them. hyparquet believes the counts in a page: a
// run that says it repeats 10⁹ times is written out, and the process ends in a way that nothing can catch. Here every
// count is held against what the file says elsewhere. Specification: parquet-format, Encodings and parquet.thrift.
import { ByteReader, readThriftStruct, type ThriftStruct } from "./parquet-header.ts";

/** What of the file's metadata is needed, as hyparquet gives it. */
export interface ParquetMetadata {
  readonly num_rows: bigint;
  readonly schema: readonly SchemaNode[];
  readonly row_groups: readonly { readonly num_rows: bigint; readonly columns: readonly ColumnChunk[] }[];
}

export interface SchemaNode {
  readonly name: string;
  readonly num_children?: number;
  readonly repetition_type?: string;
}

interface ColumnChunk {
  readonly meta_data?: {
    readonly type: string;
    readonly path_in_schema: readonly string[];
    readonly codec: string;
    readonly num_values: bigint;
    readonly total_uncompressed_size: bigint;
    readonly total_compressed_size: bigint;
    readonly data_page_offset: bigint;
    readonly dictionary_page_offset?: bigint;
  };
}

/** Unpacks a page of a codec to a length. */
export type PageUnpacker = (codec: string, packed: Uint8Array, length: number) => Uint8Array;

const MOST_VALUES = 50_000_000; // of all columns
const MOST_PREFIXED = 20_000; // values of one page that each repeat a part of the one before
const PAGE = { data: 0, dictionary: 2, dataV2: 3 };
const ENCODING = { plainDictionary: 2, runLength: 3, deltaBytes: 7, dictionary: 8 };

/** Throws RangeError for the first page whose counts or sizes cannot be. */
export function checkPages(bytes: Uint8Array, metadata: ParquetMetadata, unpack: PageUnpacker): void {
  const levels = levelsOf(metadata.schema);
  const rows = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  if (rows !== Number(metadata.num_rows)) throw new RangeError("the row groups hold another number of rows");
  let values = 0;
  for (const { meta_data: chunk } of metadata.row_groups.flatMap((group) => group.columns)) {
    if (!chunk) continue;
    const own = levels.get(chunk.path_in_schema.join("\n"));
    if (!own) throw new RangeError("a column that the schema does not hold");
    values += Number(chunk.num_values);
    if (!(values <= MOST_VALUES)) throw new RangeError(`more than ${MOST_VALUES} values`);
    const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
    const size = Number(chunk.total_compressed_size);
    if (!(start >= 4 && size >= 0 && start + size <= bytes.length))
      throw new RangeError("a column outside of the file");
    const check = new ColumnCheck(own, chunk.type, Number(chunk.num_values), (packed, length) =>
      unpack(chunk.codec, packed, length),
    );
    check.walk(bytes.subarray(start, start + size));
  }
}

interface Levels {
  readonly repetition: number;
  readonly definition: number;
}

/** The deepest levels of every leaf, by its path: repeated fields, and fields that are not required. */
function levelsOf(schema: readonly SchemaNode[]): ReadonlyMap<string, Levels> {
  const leaves = new Map<string, Levels>();
  let at = 0;
  const visit = (path: readonly string[], above: Levels, depth: number): void => {
    const node = schema[at++];
    if (!node || depth > 64) throw new RangeError("a schema that does not end");
    const kind = node.repetition_type;
    const own = {
      repetition: above.repetition + (kind === "REPEATED" ? 1 : 0),
      definition: above.definition + (depth > 0 && kind !== "REQUIRED" ? 1 : 0),
    };
    const here = depth === 0 ? [] : [...path, node.name];
    const children = node.num_children ?? 0;
    if (children === 0) leaves.set(here.join("\n"), own);
    for (let child = 0; child < children; child++) visit(here, own, depth + 1);
  };
  visit([], { repetition: 0, definition: 0 }, 0);
  return leaves;
}

class ColumnCheck {
  private readonly levels: Levels;
  private readonly type: string;
  private readonly most: number;
  private readonly unpack: (packed: Uint8Array, length: number) => Uint8Array;
  private values = 0;

  constructor(
    levels: Levels,
    type: string,
    most: number,
    unpack: (packed: Uint8Array, length: number) => Uint8Array,
  ) {
    this.levels = levels;
    this.type = type;
    this.most = most;
    this.unpack = unpack;
  }

  walk(chunk: Uint8Array): void {
    const reader = new ByteReader(chunk);
    while (reader.left > 1 && (this.values < this.most || this.levels.repetition > 0)) {
      const header = readThriftStruct(reader);
      const packed = whole(header.get(3));
      const from = reader.at;
      reader.skip(packed);
      this.page(header, chunk.subarray(from, from + packed));
    }
  }

  private page(header: ThriftStruct, packed: Uint8Array): void {
    const kind = header.get(1);
    const size = whole(header.get(2));
    if (kind === PAGE.data) this.dataPage(structOf(header.get(5)), this.unpack(packed, size));
    else if (kind === PAGE.dataV2) this.dataPageV2(structOf(header.get(8)), packed, size);
    else if (kind === PAGE.dictionary) {
      const count = whole(structOf(header.get(7)).get(1));
      if (count > 8 * size) throw new RangeError("a dictionary of more values than bytes");
    } else throw new RangeError("a page of an unknown kind");
  }

  private dataPage(header: ThriftStruct, page: Uint8Array): void {
    const count = this.counted(header);
    const reader = new ByteReader(page);
    for (const level of [this.levels.repetition, this.levels.definition]) {
      if (level === 0) continue;
      const length = reader.uint32();
      const from = reader.at;
      reader.skip(length);
      checkRuns(new ByteReader(page, from, reader.at), bits(level), count);
    }
    this.checkValues(header.get(2), reader, count);
  }

  private dataPageV2(header: ThriftStruct, packed: Uint8Array, size: number): void {
    const count = this.counted(header);
    const [definition, repetition] = [whole(header.get(5)), whole(header.get(6))];
    const levels = definition + repetition;
    if (levels > packed.length || levels > size || whole(header.get(2)) > count)
      throw new RangeError("levels past the page");
    if (this.levels.repetition > 0)
      checkRuns(new ByteReader(packed, 0, repetition), bits(this.levels.repetition), count);
    if (this.levels.definition > 0)
      checkRuns(new ByteReader(packed, repetition, levels), bits(this.levels.definition), count);
    const rest = packed.subarray(levels);
    const page = header.get(7) === false ? rest : this.unpack(rest, size - levels);
    this.checkValues(header.get(4), new ByteReader(page), count);
  }

  private counted(header: ThriftStruct): number {
    const count = whole(header.get(1));
    this.values += count;
    if (this.values > this.most) throw new RangeError("pages of more values than their column");
    return count;
  }

  private checkValues(
    encoding: ThriftStruct | number | boolean | undefined,
    reader: ByteReader,
    count: number,
  ): void {
    if (encoding === ENCODING.plainDictionary || encoding === ENCODING.dictionary) {
      if (reader.left === 0) return;
      const width = reader.byte();
      if (width > 32) throw new RangeError("a dictionary of more than 32 bits");
      if (width > 0) checkRuns(reader, width, count);
    } else if (encoding === ENCODING.runLength && this.type === "BOOLEAN") {
      reader.skip(4);
      checkRuns(reader, 1, count);
    } else if (encoding === ENCODING.deltaBytes && count > MOST_PREFIXED)
      throw new RangeError("too many values of one page that repeat the one before");
  }
}

/** Runs of the hybrid of run lengths and packed bits: none may give more than what is left of `count`. */
function checkRuns(reader: ByteReader, width: number, count: number): void {
  for (let seen = 0; seen < count && reader.left > 0;) {
    const header = reader.varint();
    if (header > 0xffffffff) throw new RangeError("a run without an end");
    const packed = header % 2 === 1;
    const length = Math.floor(header / 2) * (packed ? 8 : 1);
    if (length > count - seen + (packed ? 7 : 0)) throw new RangeError("a run of more values than its page");
    reader.skip(Math.min(reader.left, packed ? (length / 8) * width : Math.ceil(width / 8)));
    seen += length;
  }
}

function bits(level: number): number {
  return 32 - Math.clz32(level);
}

function whole(value: ThriftStruct | number | boolean | undefined): number {
  if (typeof value === "number" && value >= 0 && value <= 0x7fffffff) return value;
  throw new RangeError("a count or a size that cannot be");
}

function structOf(value: ThriftStruct | number | boolean | undefined): ThriftStruct {
  if (value instanceof Map) return value;
  throw new RangeError("a page without its header");
}
