"""LlamaIndex's own adapter engine and dataset class, imported past a package root that no longer imports.

llama-index-finetuning 0.4.2 loads every engine at import and fails on those of remote services. The two local modules
need none of them, so the package roots are replaced by empty ones that only know the folder, and the one remote class
that is named in a type by a stub.
"""

import pathlib
import sys
import types

import llama_index.core

_FOLDER = pathlib.Path(llama_index.core.__file__).parent.parent / "finetuning"


def _stand_in(name: str, **members: object) -> None:
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


_stand_in("llama_index.finetuning", __path__=[str(_FOLDER)])
_stand_in("llama_index.finetuning.embeddings", __path__=[str(_FOLDER / "embeddings")])
_stand_in("llama_index.postprocessor", __path__=[])
_stand_in("llama_index.postprocessor.cohere_rerank", CohereRerank=type("CohereRerank", (), {}))

from llama_index.finetuning.embeddings.adapter import EmbeddingAdapterFinetuneEngine  # noqa: E402
from llama_index.finetuning.embeddings.common import EmbeddingQAFinetuneDataset  # noqa: E402

__all__ = ["EmbeddingAdapterFinetuneEngine", "EmbeddingQAFinetuneDataset"]
