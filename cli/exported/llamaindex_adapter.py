"""A Retune adapter in LlamaIndex: the folder `llamaindex` beside this file.

    from llama_index.embeddings.adapter import AdapterEmbeddingModel
    from llama_index.embeddings.adapter.utils import TwoLayerNN

    AdapterEmbeddingModel(base, "llamaindex")                                 # linear
    AdapterEmbeddingModel(base, "llamaindex", adapter_cls=TwoLayerNN)         # two-layer
    AdapterEmbeddingModel(base, "llamaindex", adapter_cls=TwoLayerAdapter)    # two-layer with gelu or identity: below
    AdapterEmbeddingModel(base, "llamaindex", adapter_cls=CustomAdapter)      # any other stack: below

Only the queries are transformed. Where the adapter was trained with a query instruction, give `base` the same one.
"""

import torch
from llama_index.embeddings.adapter import BaseAdapter

ACTIVATIONS = {
    "identity": torch.nn.Identity,
    "relu": torch.nn.ReLU,
    "tanh": torch.nn.Tanh,
    "sigmoid": torch.nn.Sigmoid,
    "leaky_relu": torch.nn.LeakyReLU,
    "gelu": torch.nn.GELU,
}


class CustomAdapter(BaseAdapter):
    """A stack of linear layers, each followed by its activation; with a residual y = r·f(x) + x."""

    def __init__(self, in_features: int, out_features: int, layers: list, add_residual: bool, kind: str = "custom"):
        super().__init__()
        self.config = dict(
            kind=kind, in_features=in_features, out_features=out_features, layers=layers, add_residual=add_residual
        )
        sizes = [in_features] + [layer["out_features"] for layer in layers]
        if add_residual:
            self.residual_weight = torch.nn.Parameter(torch.zeros(1))
        self.linear_layers = torch.nn.ModuleList(
            torch.nn.Linear(sizes[i], sizes[i + 1], bias=layer["bias"]) for i, layer in enumerate(layers)
        )
        self.activations = [ACTIVATIONS[layer["activation"]]() for layer in layers]

    def forward(self, embed: torch.Tensor) -> torch.Tensor:
        output = embed
        for linear, activation in zip(self.linear_layers, self.activations):
            output = activation(linear(output))
        return self.residual_weight * output + embed if self.config["add_residual"] else output

    def get_config_dict(self) -> dict:
        return self.config


class TwoLayerAdapter(BaseAdapter):
    """TwoLayerNN with any activation: y = f(x), or r·f(x) + x where it is residual."""

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        out_features: int,
        bias: bool = False,
        activation_fn_str: str = "relu",
        add_residual: bool = False,
    ):
        super().__init__()
        self.config = dict(
            in_features=in_features,
            hidden_features=hidden_features,
            out_features=out_features,
            bias=bias,
            activation_fn_str=activation_fn_str,
            add_residual=add_residual,
        )
        self.residual_weight = torch.nn.Parameter(torch.zeros(1))
        self.linear1 = torch.nn.Linear(in_features, hidden_features, bias=bias)
        self.linear2 = torch.nn.Linear(hidden_features, out_features, bias=bias)
        self.activation = ACTIVATIONS[activation_fn_str]()

    def forward(self, embed: torch.Tensor) -> torch.Tensor:
        output = self.linear2(self.activation(self.linear1(embed)))
        return self.residual_weight * output + embed if self.config["add_residual"] else output

    def get_config_dict(self) -> dict:
        return self.config
