// result[r, :] = table[indices[r], :]   table : [T, D]   indices : u32 [B]   result : [B, D], up to three at once
//
// Bits are copied, so tables of f32 and of u32 go the same way; halves become f32. One copy per workgroup row (y), one row of it per
// workgroup at a time: LANES threads share its columns. No division, which a software adapter does lane by lane.
//
// Edges: an index past the table reads its last row.
//
// Plan: GatherLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/kernels.gpu.test.ts
override LANES: u32 = 64u;

struct Copy {
  rows: u32,
  columns: u32,
  tableRows: u32,
  indexSlot: u32, // which of the two index buffers
  half: u32, // the table is stored in half precision
  spare0: u32,
  spare1: u32,
  spare2: u32,
}

@group(0) @binding(0) var<uniform> copies: array<Copy, 3>;
@group(0) @binding(1) var<storage, read> table0: array<u32>;
@group(0) @binding(2) var<storage, read> table1: array<u32>;
@group(0) @binding(3) var<storage, read> table2: array<u32>;
@group(0) @binding(4) var<storage, read> indices0: array<u32>;
@group(0) @binding(5) var<storage, read> indices1: array<u32>;
@group(0) @binding(6) var<storage, read_write> result0: array<u32>;
@group(0) @binding(7) var<storage, read_write> result1: array<u32>;
@group(0) @binding(8) var<storage, read_write> result2: array<u32>;

fn indexAt(slot: u32, row: u32) -> u32 {
  if (slot == 1u) { return indices1[row]; }
  return indices0[row];
}

// An element from the word that holds it.
fn valueOf(word: u32, index: u32, half: u32) -> u32 {
  if (half == 0u) { return word; }
  return bitcast<u32>(unpack2x16float(word)[index & 1u]);
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let copy = copies[group.y];
  let width = copy.columns;
  for (var row = group.x; row < copy.rows; row += groups.x) {
    let origin = min(indexAt(copy.indexSlot, row), copy.tableRows - 1u) * width;
    let start = row * width;
    if (group.y == 0u) {
      for (var c = lane; c < width; c += LANES) { result0[start + c] = valueOf(table0[(origin + c) >> copy.half], origin + c, copy.half); }
    } else if (group.y == 1u) {
      for (var c = lane; c < width; c += LANES) { result1[start + c] = valueOf(table1[(origin + c) >> copy.half], origin + c, copy.half); }
    } else {
      for (var c = lane; c < width; c += LANES) { result2[start + c] = valueOf(table2[(origin + c) >> copy.half], origin + c, copy.half); }
    }
  }
}
