import type { TeacherModel, TeacherStudio, TeachersView } from "../../src/app/studio-teachers.ts";
import { DEFAULT_TEMPLATE } from "../../src/domain/synth/prompt.ts";

/** A browser with a model of its own to fetch, and one instruct model that was picked. */
export class FakeTeachers implements TeacherStudio {
  #models: TeacherModel[] = [{ id: "instruct-1", name: "tiny-instruct", bytes: 286_000_000 }];

  view(): Promise<TeachersView> {
    return Promise.resolve({ builtIn: "downloadable", models: this.#models, template: DEFAULT_TEMPLATE });
  }

  addFolder(files: readonly File[]): Promise<TeacherModel> {
    const model = { id: "instruct-2", name: files[0]?.name ?? "picked", bytes: 1_000_000 };
    this.#models = [...this.#models, model];
    return Promise.resolve(model);
  }

  lookUp(id: string): Promise<{ id: string; files: number; totalBytes: number }> {
    return Promise.resolve({ id, files: 6, totalBytes: 286_000_000 });
  }

  addFromHub(id: string): Promise<TeacherModel> {
    return this.addFolder([new File([], id)]);
  }

  remove(id: string): Promise<void> {
    this.#models = this.#models.filter((model) => model.id !== id);
    return Promise.resolve();
  }
}
