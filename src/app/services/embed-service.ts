import type { Encoder, EncoderIdentity } from "../../domain/ports.ts";
import type { Backend } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { Precision } from "../encoders/encoder-hash.ts";
import { EndpointEncoder } from "../encoders/endpoint-encoder.ts";
import type { ModelFolders } from "../encoders/folder-store.ts";
import { encoderById, siteModelUrl } from "../encoders/known-encoders.ts";
import type { EncoderFacts } from "../encoders/known-encoders.ts";
import { OwnEncoder } from "../encoders/own-encoder.ts";
import { WorkspaceModels } from "../encoders/model-source.ts";
import type { ModelSource } from "../encoders/model-source.ts";
import { memoryModelFiles, servedModelFiles } from "../encoders/model-files.ts";
import type { ModelFiles } from "../encoders/model-files.ts";
import { openOnnxBert } from "../encoders/onnx-bert.ts";
import { OnnxEncoder } from "../encoders/onnx-encoder.ts";
import type { OnnxEncoderOptions } from "../encoders/onnx-encoder.ts";
import type { RuntimeOptions } from "../encoders/onnx-runtime.ts";
import { generalSet } from "../../domain/eval/general/general-set.ts";
import { Secret } from "../../domain/synth/secret.ts";
import { embedMissing, textGroups } from "../jobs/embed.ts";
import type { TextGroup } from "../jobs/embed.ts";
import { routerGroups } from "../jobs/run-router.ts";
import { projectData } from "../jobs/project-data.ts";
import type { EmbedMethods, EncoderAddress, SentFile } from "../protocol/calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { Workspace } from "../storage/workspace.ts";

export interface EmbedPorts {
  readonly workspace: Workspace;
  readonly site: string;
  readonly folders: ModelFolders;
  /** Which device this browser embeds on: a hardware GPU, else wasm with the threads it may use. */
  readonly runtime: () => Promise<RuntimeOptions>;
  /** What our own models run on. */
  readonly openBackend: () => Promise<Backend>;
}

const MEASURED_TEXTS = 20;

/** Embeds: what the embed worker does. One model is open at a time; it stays open for the next call. */
export class EmbedService {
  private readonly ports: EmbedPorts;
  private readonly models: ModelSource;
  private open: { readonly id: string; readonly encoder: Promise<Encoder> } | undefined;

  constructor(ports: EmbedPorts) {
    this.ports = ports;
    this.models = new WorkspaceModels(ports);
  }

  readonly embed: Handlers<EmbedMethods>["embed"] = async (
    { projectId, instruction, texts, ...address },
    control,
  ) => {
    const { workspace } = this.ports;
    const facts = await encoderById(workspace, address.encoderId);
    const groups =
      texts === "router"
        ? await this.routerTexts(projectId, instruction)
        : texts === "general"
          ? textGroups([generalSet()], instruction)
          : await this.searchTexts(projectId, instruction);
    const started = performance.now();
    const open = (): Promise<Encoder> => this.encoder(facts, address);
    const embedded = await embedMissing(workspace.vectors, facts, groups, open, control);
    if (embedded >= MEASURED_TEXTS) {
      const rate = embedded / ((performance.now() - started) / 1000);
      await workspace.saveSetting(`texts per second ${facts.id}`, rate); // what a plan estimates from
    }
    return embedded;
  };

  private async searchTexts(projectId: string, instruction: string): Promise<readonly TextGroup[]> {
    const { projects } = this.ports.workspace;
    const { split } = await projects.get(projectId);
    const { train, test } = projectData(await projects.contents(projectId), split);
    return textGroups([train, test], instruction);
  }

  private async routerTexts(projectId: string, instruction: string): Promise<readonly TextGroup[]> {
    const record = await this.ports.workspace.parts.router(projectId);
    return record ? routerGroups(record.dataset, instruction) : [];
  }

  readonly encode: Handlers<EmbedMethods>["encode"] = async ({ instruction, texts, ...address }, control) => {
    const facts = await encoderById(this.ports.workspace, address.encoderId);
    const encoder = await this.encoder(facts, address);
    const prefixed = texts.map((text) => instruction + text);
    return (await encoder.encode(prefixed, control)).values;
  };

  async inspect({ files, name, precision }: EmbedMethods["inspect"]["params"]): Promise<EncoderIdentity> {
    const folder = memoryModelFiles(name, await contentsOf(files));
    const encoder = await OnnxEncoder.open(folder, await this.options(precision));
    try {
      return encoder.identity;
    } finally {
      await encoder.close();
    }
  }

  private async encoder(facts: EncoderFacts, address: EncoderAddress): Promise<Encoder> {
    if (this.open?.id !== facts.id) {
      await (await this.open?.encoder.catch(() => undefined))?.close();
      this.open = { id: facts.id, encoder: this.openEncoder(facts, address) };
    }
    try {
      return await this.open.encoder;
    } catch (error) {
      this.open = undefined;
      throw error;
    }
  }

  private async openEncoder(facts: EncoderFacts, { key }: EncoderAddress): Promise<Encoder> {
    if (facts.own) return this.openOwn(facts);
    switch (facts.origin) {
      case "trained":
        return this.openOwn(facts);
      case "site":
        return this.openOnnx(this.siteFiles(facts), facts);
      case "folder":
      case "hub":
        return this.openOnnx(this.ports.folders.open(facts.id, facts.name), facts);
      case "endpoint": {
        const secret = key === undefined ? {} : { key: new Secret(key) };
        return EndpointEncoder.open({ url: facts.url!, model: facts.name, ...secret }, facts.hash);
      }
      case "imported-vectors": {
        const text =
          "These vectors were imported: other texts need the vectors' own model, or an import of theirs.";
        throw new RetuneError("model-missing", text);
      }
    }
  }

  private async openOwn({ id, name, hash, dimension, queryInstruction }: EncoderFacts): Promise<Encoder> {
    const model = await this.models.encoder(id);
    const own = { name, hash, dimension, maxTokens: model.maxTokens, precision: "fp32", queryInstruction };
    return OwnEncoder.open(await this.ports.openBackend(), model, { ...own, precision: "fp32" });
  }

  private siteFiles({ id, name }: EncoderFacts): ModelFiles {
    return servedModelFiles(name, siteModelUrl(id, this.ports.site));
  }

  /** Vectors of a file that is not the one the cache knows would be mixed with the old ones: refused. */
  private async openOnnx(files: ModelFiles, { hash, name, precision }: EncoderFacts): Promise<Encoder> {
    const options = await this.options(precision === "int8" ? "int8" : "fp32");
    const encoder = await this.fastest(files, options);
    if (encoder.identity.hash === hash) return encoder;
    await encoder.close();
    const text = `The files of ${name} have changed since they were first used. Fetch or choose them again.`;
    throw new RetuneError("corrupt", text);
  }

  /** Without a hardware GPU our kernels run what they can. */
  private async fastest(files: ModelFiles, options: OnnxEncoderOptions): Promise<Encoder> {
    const ours = options.device === "wasm" && options.precision === "fp32";
    const own = ours ? await openOnnxBert(files, this.ports.openBackend) : undefined;
    return own ?? OnnxEncoder.open(files, options);
  }

  private async options(precision: Precision): Promise<OnnxEncoderOptions> {
    return { ...(await this.ports.runtime()), precision };
  }
}

export async function contentsOf(files: readonly SentFile[]): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const entries = files.map(
    async ({ name, blob }) => [name, new Uint8Array(await blob.arrayBuffer())] as const,
  );
  return new Map(await Promise.all(entries));
}
