"""Decoders of random weights as transformers saves them, below FOLDER/decoders, each with what it computes.

Usage: decoder_models.py FOLDER
A folder NAME holds the model; NAME.json its texts as ids and the answers by greedy generation, NAME.safetensors the logits of
those ids. The tokenizers are those of tests/fixtures/chat. A folder beside that is committed (the nano decoder) joins them.
"""

import json
import os
import pathlib
import shutil
import sys

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", HF_HUB_DISABLE_PROGRESS_BARS="1")

import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

OUT = pathlib.Path(sys.argv[1]) / "decoders"
ROOT = pathlib.Path(__file__).resolve().parents[2]
CHAT = ROOT / "tests" / "fixtures" / "chat"
NANO = ROOT / "public" / "models" / "retune-nano-decoder"

SIZES = {
    "hidden_size": 64,
    "intermediate_size": 112,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
LLAMA_3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
NEW_TOKENS = 24
PROMPTS = [3, 20, 45, 7]  # tokens


def models():
    """Name, class, configuration, tokenizer, precision of the file, size of its parts."""
    yield "llama3-scaled", LlamaForCausalLM, LlamaConfig(**SIZES, rope_parameters=LLAMA_3), "llama3", torch.float32, "10GB"
    tied = LlamaConfig(**SIZES, tie_word_embeddings=True, attention_bias=True, mlp_bias=True)
    yield "llama-tied-biased", LlamaForCausalLM, tied, "chatml", torch.bfloat16, "60KB"
    yield "qwen2", Qwen2ForCausalLM, Qwen2Config(**SIZES, tie_word_embeddings=True), "qwen", torch.float32, "100KB"
    yield "qwen3", Qwen3ForCausalLM, Qwen3Config(**SIZES, head_dim=24), "qwen", torch.float16, "10GB"


def randomise(model: torch.nn.Module) -> None:
    """Numbers of a size at which every part of the model shows in its logits."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() == 2:
                parameter.copy_(noise * parameter.shape[1] ** -0.5)
            else:
                parameter.copy_(0.2 * noise + (0 if name.endswith("bias") else 1))


def make(name, kind, config, chat, dtype, part) -> None:
    tokenizer = AutoTokenizer.from_pretrained(CHAT / chat)
    config.vocab_size = (len(tokenizer) + 15) // 16 * 16
    config.bos_token_id, config.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    config.pad_token_id = tokenizer.pad_token_id
    model = kind(config)
    randomise(model)
    model.to(dtype).save_pretrained(OUT / name, max_shard_size=part)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(CHAT / chat / file, OUT / name / file)


def record(name: str) -> None:
    folder = OUT / name
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    vocabulary = len(AutoTokenizer.from_pretrained(folder))
    generator = torch.Generator().manual_seed(11)
    most = min(150, model.config.max_position_embeddings)
    texts = [torch.randint(0, vocabulary, (length,), generator=generator).tolist() for length in (1, 17, most)]
    prompts = [torch.randint(3, vocabulary, (length,), generator=generator).tolist() for length in PROMPTS]
    logits, answers = {}, []
    with torch.no_grad():
        for index, ids in enumerate(texts):
            logits[str(index)] = model(torch.tensor([ids])).logits[0].contiguous()
        for ids in prompts:
            options = {"max_new_tokens": NEW_TOKENS, "do_sample": False, "pad_token_id": 0}
            answers.append(model.generate(torch.tensor([ids]), **options)[0, len(ids) :].tolist())
    save_file(logits, OUT / f"{name}.safetensors")
    said = {"texts": texts, "prompts": prompts, "answers": answers, "new_tokens": NEW_TOKENS}
    (OUT / f"{name}.json").write_text(json.dumps(said))


def main() -> None:
    OUT.mkdir(parents=True)
    for parts in models():
        make(*parts)
    if (NANO / "model.safetensors").exists():
        shutil.copytree(NANO, OUT / "nano")
    for folder in [path for path in sorted(OUT.iterdir()) if path.is_dir()]:
        record(folder.name)


if __name__ == "__main__":
    main()
