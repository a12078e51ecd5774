// Makes public/models/retune-nano-decoder: the bundled decoder, trained by our own engine on generated text.
//
//   node scripts/nano-decoder/build.mjs [--steps N] [--fresh]       some ten minutes of one CPU core; goes on from .cache/nano-decoder
//
// The run is recorded in public/models/retune-nano-decoder/run.json; its README says what the model does not prove.
import { launch } from "../../cli/launch.mjs";

await launch({ entry: "scripts/nano-decoder/build.ts", argv: process.argv.slice(2), gpu: false });
