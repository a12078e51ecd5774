// place  = mix(before, after, morph)                               map units
// pixel  = viewport / 2 + (place − camera.xy) · camera.scale       one quad a point, 6 vertices, clip space −1 … 1
//
// before, after [n, 2] f32; style [n, 2] u32: colour RGBA8, and shape in the low byte with radius in 1/8 pixels above.
// The fragment keeps what lies inside the shape (square, disc, diamond) with an edge one device pixel wide. Alpha 0 is
// dropped. CPU twin: splat-renderer.ts. Test: tests/e2e/map.e2e.ts draws one scene with both and compares.

struct View {
  camera: vec2f,
  scale: f32, // device pixels per map unit
  morph: f32,
  size: vec2f, // device pixels
  ratio: f32,
  pad: f32,
}

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read> before: array<vec2f>;
@group(0) @binding(2) var<storage, read> after: array<vec2f>;
@group(0) @binding(3) var<storage, read> style: array<vec2u>;

struct Corner {
  @builtin(position) position: vec4f,
  @location(0) offset: vec2f, // device pixels from the point
  @location(1) @interpolate(flat) colour: vec4f,
  @location(2) @interpolate(flat) shape: u32,
  @location(3) @interpolate(flat) radius: f32,
}

const CORNERS = array<vec2f, 6>(
  vec2f(-1, -1), vec2f(1, -1), vec2f(-1, 1), vec2f(-1, 1), vec2f(1, -1), vec2f(1, 1),
);

@vertex
fn corner(@builtin(vertex_index) vertex: u32, @builtin(instance_index) point: u32) -> Corner {
  let look = style[point];
  let colour = unpack4x8unorm(look.x);
  let radius = f32(look.y >> 8u) / 8.0 * view.ratio;
  let place = mix(before[point], after[point], view.morph);
  let reach = select(radius * 1.25 + 1.0, 0.0, colour.a == 0.0);
  let offset = CORNERS[vertex] * reach;
  let pixel = (place - view.camera) * view.scale + vec2f(offset.x, -offset.y);
  var out: Corner;
  out.position = vec4f(pixel / view.size * 2.0, 0.0, 1.0);
  out.offset = offset;
  out.colour = colour;
  out.shape = look.y & 255u;
  out.radius = radius;
  return out;
}

@fragment
fn ink(in: Corner) -> @location(0) vec4f {
  var outside = length(in.offset) - in.radius;
  if (in.shape == 0u) {
    outside = max(abs(in.offset.x), abs(in.offset.y)) - in.radius * 0.71;
  } else if (in.shape == 2u) {
    outside = (abs(in.offset.x) + abs(in.offset.y) - in.radius * 1.25) * 0.71;
  }
  let cover = in.colour.a * clamp(0.5 - outside, 0.0, 1.0);
  if (cover <= 0.0) {
    discard;
  }
  return vec4f(in.colour.rgb * cover, cover);
}
