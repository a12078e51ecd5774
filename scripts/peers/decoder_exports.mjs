// `node scripts/peers/decoder_exports.mjs FOLDER`: compares our decoders with what decoder_models.py recorded, and writes the exports
// that check_decoders.py FOLDER loads.
import { launch } from "../../cli/launch.mjs";

await launch({ entry: "tests/peers/decoder-exports.ts", argv: process.argv.slice(2), gpu: false });
