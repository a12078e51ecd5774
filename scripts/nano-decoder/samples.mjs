// Makes public/samples/lab: small files of every system of the LLM lab in the nano language.
//
//   node scripts/nano-decoder/samples.mjs       a second
import { launch } from "../../cli/launch.mjs";

await launch({ entry: "scripts/nano-decoder/samples.ts", argv: process.argv.slice(2), gpu: false });
