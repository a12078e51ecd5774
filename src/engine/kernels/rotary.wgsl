// Rotary positions (Su et al. 2021), rotate-half: in each head of each row r, with h = Dh/2 and t = table[positions[r]],
//   result[i] = x[i]·t[i] − turn·x[i + h]·t[h + i];  result[i + h] = x[i + h]·t[i] + turn·x[i]·t[h + i]     for i < h
//   x, result : [R, H·Dh]     positions : u32 [R]     table : [P, Dh], h cosines then h sines     turn : 1, or −1 for the gradient
//
// A thread takes one pair at a time and strides over the grid; neighbours hold neighbouring pairs of a head, so both halves are
// read in stretches.
//
// Edges: any even Dh, any R; a position past the table reads its last row.
//
// Plan: RotaryLaunch     CPU twin: ../reference/rotary.ts     Test: tests/engine/kernels.gpu.test.ts
struct Shape {
  rows: u32,
  heads: u32,
  halfSize: u32,
  tableRows: u32,
  turn: f32,
}

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<f32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let width = shape.heads * shape.halfSize; // pairs in a row
  for (var i = thread.x; i < shape.rows * width; i += groups.x * 64u) {
    let row = i / width;
    let pair = i % shape.halfSize;
    let at = 2u * (i - pair) + pair; // heads before this one are 2h wide
    let line = min(positions[row], shape.tableRows - 1u) * 2u * shape.halfSize + pair;
    let cosine = table[line];
    let sine = shape.turn * table[line + shape.halfSize];
    let first = source[at];
    let second = source[at + shape.halfSize];
    result[at] = first * cosine - second * sine;
    result[at + shape.halfSize] = second * cosine + first * sine;
  }
}
