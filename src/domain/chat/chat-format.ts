import { RetuneError } from "../../engine/errors.ts";
import type { JsonNode, JsonObject } from "../formats/json.ts";
import type { TokenizerText } from "../text/wordpiece.ts";
import { ChatTemplate, type RenderedText, type TemplateSettings } from "./chat-template.ts";
import { DecoderTokenizer, fileObject } from "./decoder-tokenizer.ts";
import { templateInput, type Conversation } from "./template-messages.ts";

/** The files of a model's folder that say how it reads a conversation. */
export interface ChatFormatFiles extends TokenizerText {
  readonly chatTemplate?: string; // chat_template.jinja, which transformers 5 writes; it goes before the configuration's
  readonly generationConfigJson?: string; // generation_config.json, for further ends of generation
}

const PROBE = "retune";

/** How a model reads conversations: its tokenizer, its template, and the tokens that end a turn. */
export class ChatFormat {
  readonly tokenizer: DecoderTokenizer;
  /** Ids at which generation stops: the ends of turns that the template writes, and the model's EOS. */
  readonly endOfTurn: ReadonlySet<number>;
  readonly #plain: ChatTemplate;
  readonly #withTools: ChatTemplate;

  /** Throws E_TOKENIZER, and E_TEMPLATE where no template is there or it cannot be read. */
  constructor(files: ChatFormatFiles) {
    this.tokenizer = new DecoderTokenizer(files);
    const config = fileObject(files.tokenizerConfigJson, "tokenizer_config.json");
    const sources = templateSources(config, files.chatTemplate);
    this.#plain = new ChatTemplate(sources.plain);
    this.#withTools = sources.withTools === sources.plain ? this.#plain : new ChatTemplate(sources.withTools);
    const { eos } = this.tokenizer;
    this.endOfTurn = new Set([
      ...(eos === undefined ? [] : [eos]),
      ...this.#writtenEnds(),
      ...generationEnds(files.generationConfigJson),
    ]);
  }

  /** Whether the template marks what the assistant wrote ({% generation %}). */
  marksAnswers(conversation: Conversation): boolean {
    return this.#templateFor(conversation).marksAnswers;
  }

  /** The text of a conversation, with one BOS at most. Throws E_TEMPLATE where the template refuses it. */
  render(conversation: Conversation, settings?: TemplateSettings): RenderedText {
    const { special } = this.tokenizer;
    const rendered = this.#templateFor(conversation).render(templateInput(conversation), special, settings);
    return withOneBos(rendered, special.bos_token);
  }

  /** Ids of a prompt to generate from: the conversation, and the assistant's turn opened. */
  promptIds(conversation: Conversation, settings?: TemplateSettings): number[] {
    return this.tokenizer.encode(this.render(conversation, { ...settings, addGenerationPrompt: true }).text);
  }

  #templateFor({ functions = [] }: Conversation): ChatTemplate {
    return functions.length > 0 ? this.#withTools : this.#plain;
  }

  /** The first control token after an answer, and after a call: they may differ (Llama 3.1). */
  #writtenEnds(): number[] {
    const opens = { role: "user", content: "probe" } as const;
    const call = { id: "call00001", name: PROBE, arguments: "{}" };
    const functions = [{ name: PROBE, definition: `{"name":"${PROBE}","parameters":{}}` }];
    const probes: Conversation[] = [
      { messages: [opens, { role: "assistant", content: PROBE }] },
      { messages: [opens, { role: "assistant", calls: [call] }], functions },
    ];
    return probes.flatMap((probe) => {
      const text = this.#probed(probe);
      const ids = this.tokenizer.encode(text.slice(text.lastIndexOf(PROBE) + PROBE.length));
      const last = ids.findLast((id) => this.tokenizer.isControl(id));
      return last === undefined ? [] : [last];
    });
  }

  /** A template that refuses the probe writes nothing; what it refuses is told where it matters. */
  #probed(probe: Conversation): string {
    try {
      return this.render(probe).text;
    } catch (error) {
      if (error instanceof RetuneError && error.code === "E_TEMPLATE") return "";
      throw error;
    }
  }
}

function templateSources(config: JsonObject, file: string | undefined): { plain: string; withTools: string } {
  if (file !== undefined) return { plain: file, withTools: file };
  const node = config.entries.get("chat_template");
  if (node?.kind === "string") return { plain: node.value, withTools: node.value };
  const named = new Map((node?.kind === "array" ? node.items : []).flatMap(namedTemplate));
  const plain = named.get("default");
  if (plain !== undefined) return { plain, withTools: named.get("tool_use") ?? plain };
  const what = "the model has no chat template; take its instruct version, or give a chat_template.jinja";
  throw new RetuneError("E_TEMPLATE", `tokenizer_config.json: ${what}`, { file: "tokenizer_config.json" });
}

/** Older configurations list templates as {"name": "default" | "tool_use", "template"}. */
function namedTemplate(node: JsonNode): [string, string][] {
  const entries = node.kind === "object" ? node.entries : new Map<string, JsonNode>();
  const [name, template] = [entries.get("name"), entries.get("template")];
  return name?.kind === "string" && template?.kind === "string" ? [[name.value, template.value]] : [];
}

/** eos_token_id of generation_config.json: one id or a list. */
function generationEnds(json: string | undefined): number[] {
  if (json === undefined) return [];
  const node = fileObject(json, "generation_config.json").entries.get("eos_token_id");
  const nodes = node?.kind === "array" ? node.items : node ? [node] : [];
  return nodes.flatMap((own) => (own.kind === "number" ? [own.value] : []));
}

function withOneBos({ text, spans }: RenderedText, bos: string | undefined): RenderedText {
  let extra = 0;
  while (bos !== undefined && bos !== "" && text.startsWith(bos + bos, extra)) extra += bos.length;
  if (extra === 0) return { text, spans };
  return { text: text.slice(extra), spans: spans.map(([from, to]) => [from - extra, to - extra]) };
}
