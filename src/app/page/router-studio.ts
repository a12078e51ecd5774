import type { Studio } from "../studio.ts";
import type { GenerateOptions } from "../studio-data.ts";
import type { ExportedFile } from "../studio-models.ts";
import type {
  RouteAnswer,
  RouteRequest,
  RoutedQuestionView,
  RouterImportReport,
  RouterView,
} from "../studio-routers.ts";
import { asFile, sent } from "./files.ts";
import { ModelShelfStudio } from "./model-studio.ts";

/** Choices, their questions, and one question routed. */
export class RouterPageStudio extends ModelShelfStudio {
  router(projectId: string): Promise<RouterView> {
    return this.ports.routers.view(projectId);
  }

  routedQuestions(projectId: string): Promise<readonly RoutedQuestionView[]> {
    return this.ports.routers.questions(projectId);
  }

  saveChoice(projectId: string, choice: Parameters<Studio["saveChoice"]>[1]): Promise<RouterView> {
    return this.told(projectId, this.ports.routers.saveChoice(projectId, choice));
  }

  removeChoice(projectId: string, choiceId: string): Promise<RouterView> {
    return this.told(projectId, this.ports.routers.removeChoice(projectId, choiceId));
  }

  saveRoutedQuestion(
    projectId: string,
    question: Parameters<Studio["saveRoutedQuestion"]>[1],
  ): Promise<RouterView> {
    return this.told(projectId, this.ports.routers.saveQuestion(projectId, question));
  }

  removeRoutedQuestion(projectId: string, questionId: string): Promise<RouterView> {
    return this.told(projectId, this.ports.routers.removeQuestion(projectId, questionId));
  }

  importRouter(projectId: string, files: readonly File[]): Promise<RouterImportReport> {
    const imported = this.ports.workers.data.call("importRouter", { projectId, files: files.map(sent) });
    return this.told(projectId, imported);
  }

  async exportRouterData(projectId: string): Promise<ExportedFile> {
    return asFile(await this.ports.workers.data.call("exportRouterData", { projectId }));
  }

  generateRoutedQuestions(projectId: string, options: GenerateOptions): Promise<string> {
    const request = { kind: "generate", projectId, label: "Writing questions for the choices" } as const;
    const id = this.ports.jobs.start(request, async (control) => {
      const made = await this.ports.workers.data.call("generateRouted", { projectId, options }, control);
      this.changed(projectId);
      return `${made} questions written`;
    });
    return Promise.resolve(id);
  }

  route(projectId: string, request: RouteRequest): Promise<RouteAnswer> {
    return this.ports.workers.embed.call("route", { projectId, request });
  }

  private async told<Result>(projectId: string, change: Promise<Result>): Promise<Result> {
    const result = await change;
    this.changed(projectId);
    return result;
  }
}
