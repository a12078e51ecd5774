// result[r, :] = table[indices[r], :]   table : [T, D]   indices : u32 [B]   result : [B, D], up to three at once
//
// Bits are copied, so tables of f32 and of u32 go the same way; a table that is stored in fewer bits comes alone and becomes f32.
// One copy per workgroup row (y), one row of it per workgroup at a time: LANES threads share its columns. No division, which a
// software adapter does lane by lane.
//
// Edges: an index past the table reads its last row.
//
// Plan: GatherLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/kernels.gpu.test.ts
override LANES: u32 = 64u;
override STORED: u32 = 0u; // what table0 is stored in (stored.ts): 0 words, 1 f16, 2 q8, 3 q4

struct Copy {
  rows: u32,
  columns: u32,
  tableRows: u32,
  indexSlot: u32, // which of the two index buffers
  stride: u32, // elements between rows of the table
  scales: u32, // of a q8 or q4 table: the word where they begin
  spare0: u32,
  spare1: u32,
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

// An element of table0.
fn decoded(index: u32, scales: u32) -> f32 {
  if (STORED == 1u) { return unpack2x16float(table0[index >> 1u])[index & 1u]; }
  let scale = unpack2x16float(table0[scales + (index >> 6u)])[(index >> 5u) & 1u];
  if (STORED == 2u) { return scale * f32(i32(table0[index >> 2u] << (24u - ((index & 3u) << 3u))) >> 24u); }
  return scale * (f32((table0[index >> 3u] >> ((index & 7u) << 2u)) & 15u) - 8.0);
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
    let origin = min(indexAt(copy.indexSlot, row), copy.tableRows - 1u) * copy.stride;
    let start = row * width;
    if (STORED != 0u) {
      for (var c = lane; c < width; c += LANES) { result0[start + c] = bitcast<u32>(decoded(origin + c, copy.scales)); }
    } else if (group.y == 0u) {
      for (var c = lane; c < width; c += LANES) { result0[start + c] = table0[origin + c]; }
    } else if (group.y == 1u) {
      for (var c = lane; c < width; c += LANES) { result1[start + c] = table1[origin + c]; }
    } else {
      for (var c = lane; c < width; c += LANES) { result2[start + c] = table2[origin + c]; }
    }
  }
}
