// AdamW (torch.optim.AdamW) over an arena of parameters, global-norm clipping and the step's log row included:
//   norm = √ Σ partials;  g ← g · min(1, maxNorm / (norm + 1e-6))
//   m ← β₁·m + (1−β₁)·g;  v ← β₂·v + (1−β₂)·g²
//   w ← w·(1 − lr·decay) − lr·(m·c₁) / (√(v·c₂) + ε)         c = 1/(1 − βᵗ), computed in float64 by the host
//   log[0] = 1 if Σ partials is not finite (nothing else changes then), else 0
//   log[normAt] = norm before clipping;  log[lossAt] = lossScale · Σ lossRows
//
// A thread takes vec4s GRID apart, so neighbours read neighbours. decay holds one value for every 64 elements, the
// alignment of parameters; below 0 the block belongs to none that is trained. An arena that is larger than a binding is
// updated in pieces, each a dispatch that binds its part of everything. Finite is decided by exponent bits: WGSL lets a
// compiler assume that no value is NaN.
//
// Edges: pieces are multiples of 64 elements. Thread 0 of the first piece alone writes the log.
//
// Plan: AdamWLaunch     CPU twin: ../reference/launches.ts     Test: tests/engine/kernels.gpu.test.ts
const NOWHERE = 0xffffffffu;

struct Settings {
  elements: u32, // of the piece
  partialCount: u32,
  lossCount: u32,
  normAt: u32, // NOWHERE: not logged
  lossAt: u32,
  lossScale: f32,
  maxNorm: f32,
  epsilon: f32,
  beta1: f32,
  beta2: f32,
  rest1: f32, // 1 − β₁, from float64
  rest2: f32,
  writesLog: u32,
}

@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<uniform> learningRate: vec4f; // the value is x, as in the two below
@group(0) @binding(2) var<uniform> correction1: vec4f;
@group(0) @binding(3) var<uniform> correction2: vec4f;
@group(0) @binding(4) var<storage, read_write> weights: array<vec4f>;
@group(0) @binding(5) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> firstMoments: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> secondMoments: array<vec4f>;
@group(0) @binding(8) var<storage, read> decay: array<f32>;
@group(0) @binding(9) var<storage, read> partials: array<f32>;
@group(0) @binding(10) var<storage, read> lossRows: array<f32>;
@group(0) @binding(11) var<storage, read_write> log_: array<f32>;

fn writeLog(squares: f32, finite: bool) {
  log_[0] = select(1.0, 0.0, finite);
  if (settings.normAt != NOWHERE) { log_[settings.normAt] = sqrt(squares); }
  if (settings.lossAt != NOWHERE) {
    var sum = 0.0;
    for (var i = 0u; i < settings.lossCount; i++) { sum += lossRows[i]; }
    log_[settings.lossAt] = sum * settings.lossScale;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let blocks = settings.elements >> 2u;
  let partialCount = settings.partialCount;
  var squares = 0.0;
  for (var p = 0u; p < partialCount; p++) { squares += partials[p]; }
  let finite = (bitcast<u32>(squares) & 0x7f800000u) != 0x7f800000u;
  if (thread.x == 0u && settings.writesLog == 1u) { writeLog(squares, finite); }
  if (!finite) { return; }
  let clip = min(1.0, settings.maxNorm / (sqrt(squares) + 1e-6));
  // Read once: in a loop, a software adapter would load every uniform again.
  let beta = vec2f(settings.beta1, settings.beta2);
  let rest = vec2f(settings.rest1, settings.rest2);
  let correction = vec2f(correction1.x, correction2.x);
  let rate = learningRate.x;
  let epsilon = settings.epsilon;
  let step = groups.x * 64u;
  for (var i = thread.x; i < blocks; i += step) {
    let weightDecay = decay[i >> 4u];
    if (weightDecay >= 0.0) {
      let gradient = gradients[i] * clip;
      let m = beta.x * firstMoments[i] + rest.x * gradient;
      let v = beta.y * secondMoments[i] + rest.y * gradient * gradient;
      firstMoments[i] = m;
      secondMoments[i] = v;
      let update = (rate * correction.x) * m / (sqrt(v * correction.y) + epsilon);
      weights[i] = weights[i] * (1.0 - rate * weightDecay) - update;
    }
  }
}
