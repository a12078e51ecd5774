import type { GenerateOptions } from "../../../app/studio-data.ts";

/** Who writes questions. */
export type TeacherKind = GenerateOptions["teacher"]["kind"];
