import "fake-indexeddb/auto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { LabTeaching } from "../../../src/app/studio-lab.ts";
import { jobEnds, studioSuite, type StudioInThread } from "./studio-in-thread.ts";

const open = studioSuite();
const KEY = "sk-CANARY-7be1";

const servers: (() => void)[] = [];
afterEach(() => {
  for (const close of servers.splice(0)) close();
});

interface Teacher {
  readonly url: string;
  readonly prompts: string[];
  reply: (prompt: string, response: ServerResponse) => void;
}

const says = (response: ServerResponse, content: string): void =>
  void response.end(JSON.stringify({ choices: [{ message: { role: "assistant", content } }] }));

async function openTeacher(): Promise<Teacher> {
  const teacher = {
    url: "",
    prompts: [] as string[],
    reply: (prompt: string, response: ServerResponse) => says(response, answerOf(prompt)),
  };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      const { messages } = JSON.parse(body) as { messages: { content: string }[] };
      teacher.prompts.push(messages[0]!.content);
      expect(request.headers.authorization).toBe(`Bearer ${KEY}`);
      teacher.reply(messages[0]!.content, response);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  servers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  teacher.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return teacher;
}

const questionOf = (prompt: string): string => /Query: (.*)/.exec(prompt)?.[1] ?? prompt;
const answerOf = (prompt: string): string => `Answer to: ${questionOf(prompt)}`;

const FACTS = {
  refunds: ["Refunds take fourteen days.", "How long do refunds take?"],
  warehouse: ["The warehouse stands in Lyon.", "Where does the warehouse stand?"],
  pumps: ["Pumps are checked by the night crew.", "Who checks the pumps?"],
  valves: ["Valves open at noon.", "When do valves open?"],
} as const;

async function searchProject({ studio }: StudioInThread): Promise<string> {
  const entries = Object.entries(FACTS);
  const dataset = {
    queries: Object.fromEntries(entries.map(([name, [, question]]) => [`q-${name}`, question])),
    corpus: Object.fromEntries(entries.map(([name, [text]]) => [`p-${name}`, text])),
    relevant_docs: Object.fromEntries(entries.map(([name]) => [`q-${name}`, [`p-${name}`]])),
    documents: Object.fromEntries(entries.map(([name]) => [`p-${name}`, `${name}.md`])),
    mode: "text",
  };
  const { id } = await studio.createProject("Handbook");
  await studio.addFiles(id, [new File([JSON.stringify(dataset)], "handbook.json")]);
  return id;
}

const asking = (teacher: Teacher, source: LabTeaching["source"]): LabTeaching => ({
  ...{ source, topK: 1, questions: 100 },
  teacher: { url: teacher.url, model: "large", key: KEY },
});

const fileSource = (text: string, name = "asked.jsonl") =>
  ({ kind: "file", file: new File([text], name) }) as const;

test("a search project's questions, answered by a teacher over what a search finds, are rows to learn", async () => {
  const page = open({ page: "connected" });
  const { lab } = page.studio;
  const teacher = await openTeacher();
  const projectId = await searchProject(page);
  const { id } = await lab.create("Student", "sft");
  const job = await jobEnds(page, lab.distil(id, asking(teacher, { kind: "project", projectId })));
  expect(job).toMatchObject({
    state: "finished",
    kind: "distil",
    projectId: id,
    lab: true,
    done: 4,
    total: 4,
  });
  expect(job.label).toMatch(/^4 of 4 questions answered; 4 requests, \d+ kB, went to http:\/\/127/);
  expect(teacher.prompts).toHaveLength(4);
  expect(teacher.prompts.find((prompt) => prompt.includes(FACTS.pumps[1]))).toContain(FACTS.pumps[0]);

  const view = await lab.view(id);
  expect(view.files).toMatchObject([{ side: "train", name: "made-here.jsonl", rows: 4, notes: [] }]);
  expect(view.split.obstacle).toBeNull();
  const rows = [...(await lab.rows(id, "train", 0, 9)), ...(await lab.rows(id, "test", 0, 9))];
  expect(rows.map(({ group }) => group).sort()).toEqual([
    "pumps.md",
    "refunds.md",
    "valves.md",
    "warehouse.md",
  ]);
  expect(rows.find(({ group }) => group === "pumps.md")!.answer).toBe(`Answer to: ${FACTS.pumps[1]}`);
  const stored = await page.workspace.lab.file(id, "train");
  expect(new TextDecoder().decode(stored!.bytes)).not.toContain(KEY);
  expect(JSON.stringify(await page.workspace.lab.answers(id))).not.toContain(KEY);

  const again = await jobEnds(page, lab.distil(id, asking(teacher, { kind: "project", projectId })));
  expect(again.label).toBe("4 of 4 questions answered; nothing had to be sent.");
  expect([teacher.prompts.length, (await lab.view(id)).files[0]!.rows]).toEqual([4, 4]);
  await lab.remove(id);
  expect(await page.workspace.lab.answers(id)).toEqual([]);
});

test("what a failing teacher answered is kept, what it did not is asked again, another teacher's answers take the place", async () => {
  const page = open({ page: "connected" });
  const { lab } = page.studio;
  const teacher = await openTeacher();
  const { id } = await lab.create("Student", "sft");
  const rows = Object.values(FACTS).map(([text, question]) =>
    JSON.stringify({ question, passages: [text, "more"] }),
  );
  await lab.addFile(
    id,
    "train",
    new File(
      ['{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}\n'],
      "mine.jsonl",
    ),
  );
  teacher.reply = (prompt, response) => {
    if (!prompt.includes("pumps")) return says(response, answerOf(prompt));
    response.statusCode = 401;
    response.end(`{"error": "wrong key ${KEY}"}`);
  };
  const failed = await jobEnds(page, lab.distil(id, asking(teacher, fileSource(rows.join("\n")))));
  expect(failed.state).toBe("failed");
  expect(failed.error!.message).toContain("answered 401; check the key");
  expect(failed.error!.message).not.toContain(KEY);
  const kept = (await lab.view(id)).files[0]!;
  expect(kept.name).toBe("mine.jsonl");
  expect(kept.rows).toBeGreaterThan(1);

  teacher.reply = (prompt, response) => says(response, answerOf(prompt));
  const before = teacher.prompts.length;
  const done = await jobEnds(page, lab.distil(id, asking(teacher, fileSource(rows.join("\n")))));
  expect(done.state).toBe("finished");
  expect(teacher.prompts.length - before).toBe(5 - kept.rows);
  expect((await lab.view(id)).files[0]!.rows).toBe(5);

  teacher.reply = (prompt, response) => says(response, `Better: ${questionOf(prompt)}`);
  const better = {
    ...asking(teacher, fileSource(rows.join("\n"))),
    teacher: { url: teacher.url, model: "larger", key: KEY },
  };
  await jobEnds(page, lab.distil(id, better));
  const all = [...(await lab.rows(id, "train", 0, 9)), ...(await lab.rows(id, "test", 0, 9))];
  expect(all.map(({ answer }) => answer.split(":")[0]).sort()).toEqual([
    "Better",
    "Better",
    "Better",
    "Better",
    "Hello",
  ]);
});

test("a cancelled asking keeps its answers, and questions without passages are asked bare", async () => {
  const page = open({ page: "connected" });
  const { lab } = page.studio;
  const teacher = await openTeacher();
  const { id } = await lab.create("Student", "sft");
  let jobId = "";
  teacher.reply = (prompt, response) => {
    if (prompt === "one?" || prompt === "two?") says(response, `${prompt} yes`);
    else if (prompt === "four?") void page.studio.cancel(jobId); // three and four are never answered
  };
  const started = lab.distil(id, asking(teacher, fileSource("one?\ntwo?\nthree?\nfour?", "asked.txt")));
  void started.then((own) => (jobId = own));
  const job = await jobEnds(page, started);
  expect(job.state).toBe("cancelled");
  const rows = [...(await lab.rows(id, "train", 0, 9)), ...(await lab.rows(id, "test", 0, 9))];
  expect(rows.map(({ prompt, answer }) => [prompt, answer]).sort()).toEqual([
    ["one?", "one? yes"],
    ["two?", "two? yes"],
  ]);
});

test("nothing is sent by the sealed page, for another system, or where answers could not be added", async () => {
  const teacher = await openTeacher();
  const sealed = open();
  const own = await sealed.studio.lab.create("Student", "sft");
  const ask = asking(teacher, fileSource("one?", "asked.txt"));
  await expect(sealed.studio.lab.distil(own.id, ask)).rejects.toMatchObject({ code: "unsupported" });
  const page = open({ page: "connected" });
  const { lab } = page.studio;
  const sql = await lab.create("Queries", "text-to-sql");
  expect((await jobEnds(page, lab.distil(sql.id, ask))).error!.message).toContain(
    "Only a distillation project",
  );
  const list = await lab.create("Student", "sft");
  const chats =
    '[{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}]';
  await lab.addFile(list.id, "train", new File([chats], "mine.json"));
  expect((await jobEnds(page, lab.distil(list.id, ask))).error!.message).toContain(
    "mine.json is no JSON Lines file",
  );
  const empty = await page.studio.createProject("Empty");
  const none = asking(teacher, { kind: "project", projectId: empty.id });
  const fresh = await lab.create("Student", "sft");
  expect((await jobEnds(page, lab.distil(fresh.id, none))).error!.message).toContain("has no questions yet");
  expect(teacher.prompts).toEqual([]);
});
