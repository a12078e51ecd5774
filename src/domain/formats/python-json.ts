import { pythonString } from "./llamaindex-dataset.ts";

export type PythonValue =
  string | number | boolean | readonly PythonValue[] | { readonly [key: string]: PythonValue };

/** A value as Python's json.dumps writes it by default: one line, ", " and ": ", ASCII only. Numbers are whole. */
export function pythonJson(value: PythonValue): string {
  if (typeof value === "string") return pythonString(value);
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${(value as readonly PythonValue[]).map(pythonJson).join(", ")}]`;
  const members = Object.entries(value).map(([key, member]) => `${pythonString(key)}: ${pythonJson(member)}`);
  return `{${members.join(", ")}}`;
}

/** A float as Python's str() writes it: "1.0", "0.001", "1e-05". */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 16)) {
    return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  if (power < 0) return plainDecimal(value, digits, power);
  return Number.isInteger(value) ? `${Object.is(value, -0) ? "-0" : String(value)}.0` : String(value);
}

/** 1e-4 … 1: JavaScript writes numbers below 1e-6 with an exponent, Python those below 1e-4; both are plain here. */
function plainDecimal(value: number, digits: string, power: number): string {
  const bare = digits.replace(/[-.]/g, "");
  return `${value < 0 ? "-" : ""}0.${"0".repeat(-power - 1)}${bare}`;
}
