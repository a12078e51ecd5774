// result[t, :] = Σ_{r : indices[r] = t} source[r, :], r ascending     source : [B, D]   indices : u32 [B]   result : [T, D]
//
// The gradient of a gather, without float atomics (WGSL has none; the atomic bits below commute) and with one order of summation. A workgroup of LANES
// threads owns one row of the result (x of the grid) and 4 · LANES of its columns (y). It first finds the rows of the source
// that belong to it: each thread compares 32 neighbouring indices and leaves the answer as the bits of one word in
// workgroup memory; then all threads walk over the words that are not 0, and over their bits, in order, and add.
//
// Who owns what is chosen by the host, because a word table has 30,522 rows and a batch touches few of them:
//   tables of at most B rows: a workgroup per row of the table; rows that no index names become 0
//   larger tables: the result was cleared before (clear.wgsl); a workgroup per row of the source, which works on the
//   row of the table that its index names if no earlier row names the same, else stops
// B² / 32 words in all then, instead of T · B: 4,096 rows cost about as much as their product with one column of weights.
// A table of a few rows (token types) would leave the device idle: the source is cut into `parts` of PART rows (z), each
// with a result of its own, and reduce.wgsl adds these.
//
// Sorting on the device was the alternative: it needs several dispatches and pays only for far larger batches.
//
// Edges: an index past the table counts as its last row, as in gather.wgsl. Barriers stand in uniform control flow.
//
// Plan: ScatterLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/sequence-kernels.gpu.test.ts
override LANES: u32 = 64u;

struct Shape {
  rows: u32,
  tableRows: u32,
  columns: u32,
  bySource: u32, // workgroups own rows of the source, else of the table
  partRows: u32, // rows of the source that one part sums
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

var<workgroup> found: array<u32, LANES>; // bit b of word w: row 32·w + b of the present stretch belongs here
var<workgroup> summary: array<atomic<u32>, (LANES + 31u) / 32u>; // bit w: word w is not 0

fn targetOf(row: u32) -> u32 {
  return min(indices[row], shape.tableRows - 1u);
}

// The bits of 32 rows from `first`.
fn matches(first: u32, end: u32, wanted: u32) -> u32 {
  var bits = 0u;
  for (var b = 0u; b < min(32u, end - min(end, first)); b++) {
    bits |= select(0u, 1u << b, targetOf(first + b) == wanted);
  }
  return bits;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let owners = select(shape.tableRows, shape.rows, shape.bySource == 1u);
  let begin = group.z * shape.partRows;
  let end = min(shape.rows, begin + shape.partRows);
  let column = (group.y * LANES + lane) * 4u;
  for (var owner = group.x; owner < owners; owner += groups.x) {
    var wanted = owner;
    if (shape.bySource == 1u) { wanted = targetOf(owner); }
    var earliest = 0xffffffffu; // row of the source that names `wanted`; only asked for by rows of the source
    var sum = vec4f();
    for (var start = begin; start < end; start += LANES * 32u) {
      workgroupBarrier(); // the last words have been read by all
      if (lane < (LANES + 31u) / 32u) { atomicStore(&summary[lane], 0u); }
      let own = matches(start + lane * 32u, end, wanted);
      found[lane] = own;
      workgroupBarrier();
      if (own != 0u) { atomicOr(&summary[lane >> 5u], 1u << (lane & 31u)); }
      workgroupBarrier();
      for (var s = 0u; s < (LANES + 31u) / 32u; s++) {
        var words = atomicLoad(&summary[s]);
        while (words != 0u && earliest >= owner) {
          let w = s * 32u + firstTrailingBit(words);
          words &= words - 1u;
          var bits = found[w];
          while (bits != 0u && earliest >= owner) {
            let row = start + w * 32u + firstTrailingBit(bits);
            bits &= bits - 1u;
            if (shape.bySource == 1u) { earliest = min(earliest, row); }
            let at = row * shape.columns + column;
            sum += vec4f(source[at], source[at + 1u], source[at + 2u], source[at + 3u]);
          }
        }
      }
    }
    if (shape.bySource == 0u || earliest == owner) {
      let at = (group.z * shape.tableRows + wanted) * shape.columns + column;
      if (column < shape.columns) { result[at] = sum.x; }
      if (column + 1u < shape.columns) { result[at + 1u] = sum.y; }
      if (column + 2u < shape.columns) { result[at + 2u] = sum.z; }
      if (column + 3u < shape.columns) { result[at + 3u] = sum.w; }
    }
  }
}
