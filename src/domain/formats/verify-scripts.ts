/** What reads the folder: that decides the script. */
export type ExportLayout =
  | "sentence-transformers"
  | "query-adapter"
  | "cross-encoder"
  | "peft-encoder"
  | "peft-cross-encoder"
  | "onnx";

const OPENING = (
  usage: string,
  libraries: string,
) => `"""Computes what retune_parity.json expects, with ${libraries}.

Usage: python verify.py${usage}
"""
import json, pathlib, sys
import numpy as np
`;
const READ = `here = pathlib.Path(__file__).resolve().parent
parity = json.loads((here / "retune_parity.json").read_text(encoding="utf-8"))
`;
const JUDGE = `print(f"largest difference {error:.1e}, allowed {parity['tolerance']:.0e}")
sys.exit(int(not error <= parity["tolerance"]))
`;
const UNIT = `unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
`;
const VECTORS = `error = np.abs(unit(model.encode(parity["texts"])) - np.array(parity["vectors"])).max()
`;
const SCORES = `got = model.predict([tuple(pair) for pair in parity["pairs"]], activation_fn=torch.nn.Identity())
error = np.abs(got - np.array(parity["logits"])).max()
`;

/** verify.py for each layout; it ends with 0 where the outputs agree. */
export const VERIFY_SCRIPTS: Readonly<Record<ExportLayout, string>> = {
  "sentence-transformers": `${OPENING("", "sentence-transformers")}from sentence_transformers import SentenceTransformer
${READ}${UNIT}model = SentenceTransformer(str(here), device="cpu")
${VECTORS}${JUDGE}`,
  "query-adapter": `${OPENING("", "sentence-transformers >= 5")}from sentence_transformers import SentenceTransformer
${READ}${UNIT}model = SentenceTransformer(str(here), device="cpu")
${VECTORS}queries = unit(model.encode_query(parity["texts"]))
error = max(error, np.abs(queries - np.array(parity["query_vectors"])).max())
${JUDGE}`,
  "cross-encoder": `${OPENING("", "sentence-transformers")}import torch
from sentence_transformers import CrossEncoder
${READ}model = CrossEncoder(str(here), device="cpu")
${SCORES}${JUDGE}`,
  "peft-encoder": `${OPENING(" BASE (name or folder of the base model)", "sentence-transformers and peft")}from sentence_transformers import SentenceTransformer
${READ}${UNIT}model = SentenceTransformer(sys.argv[1], device="cpu")
model.load_adapter(str(here))
${VECTORS}${JUDGE}`,
  "peft-cross-encoder": `${OPENING(" BASE (name or folder of the base model)", "sentence-transformers and peft")}import torch
from peft import PeftModel
from sentence_transformers import CrossEncoder
${READ}model = CrossEncoder(sys.argv[1], device="cpu")
PeftModel.from_pretrained(model.model, str(here)).merge_and_unload()
${SCORES}${JUDGE}`,
  onnx: `${OPENING("", "onnxruntime and tokenizers; fp16 and int8 by their cosine")}import onnxruntime
from tokenizers import Tokenizer
${READ}${UNIT}tokenizer = Tokenizer.from_file(str(here / "tokenizer.json"))
tokenizer.enable_truncation(parity["max_tokens"])
tokenizer.enable_padding()
rows = tokenizer.encode_batch(parity.get("texts") or [tuple(pair) for pair in parity["pairs"]])
part = lambda name: np.array([getattr(row, name) for row in rows], dtype=np.int64)
feeds = {"input_ids": part("ids"), "attention_mask": part("attention_mask"), "token_type_ids": part("type_ids")}
mask, agree = feeds["attention_mask"][:, :, None], True
for file in sorted((here / "onnx").glob("*.onnx")):
    session = onnxruntime.InferenceSession(str(file))
    out = dict(zip([output.name for output in session.get_outputs()], session.run(None, feeds)))
    if "logits" in out:
        want, got = np.array(parity["logits"])[None], out["logits"].T
    else:
        states = out["last_hidden_state"]
        pooled = states[:, 0] if parity["pooling"] == "cls" else (states * mask).sum(1) / mask.sum(1)
        want, got = np.array(parity["vectors"]), unit(out.get("sentence_embedding", pooled))
    error, cosine = np.abs(got - want).max(), (unit(got) * unit(want)).sum(1).min()
    print(f"{file.name}: largest difference {error:.1e}, least cosine {cosine:.6f}")
    least = {"model": 0.99999, "model_fp16": 0.9999}.get(file.stem, 0.98)
    agree = agree and cosine >= least and (file.stem != "model" or error <= parity["tolerance"])
sys.exit(0 if agree else 1)
`,
};
