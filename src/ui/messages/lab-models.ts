const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`;

/** Words of the form that adds a base model to the lab. */
export const labModels = {
  keptAs: "How its weights are kept",
  kept: {
    files: "As they came",
    f16: "Half precision, 2 bytes a weight",
    q8: "8 bits a weight",
    q4: "4 bits a weight, the vocabulary in 8",
  },
  keptHint:
    "Fewer bits need less room here and in memory. A merged export of a model kept in 8 or 4 bits has its rounded weights.",
  working: (label: string, share: number) => `${label}, ${Math.round(share * 100)} %`,
  hub: "Fetch a model from the hub",
  hubHint:
    "A Llama, Qwen2 or Qwen3 model by its id. The hub learns your address and the id; nothing else leaves this computer.",
  hubId: "Id of the model, such as organisation/name",
  lookUp: "Look up",
  found: (count: number, bytes: number) => `${count} files, ${megabytes(bytes)}`,
  fetch: "Fetch and keep",
  cancel: "Cancel",
};
