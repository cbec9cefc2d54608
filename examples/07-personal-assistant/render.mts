/**
 * The same prompt in TypeScript: what `tunectl prompt export` printed, filled in.
 *
 *     tunectl prompt export 'assistant[pl]' --for openai -o prompt.json
 *     node render.mts prompt.json values.json
 *
 * Prints the messages for OpenAI's chat completions, or any service that speaks like it, byte for
 * byte as `prompt.messages()` of Python has them. Node.js runs it as it is from 22.18 on, for its
 * types can simply be left out. It does what `how` within the export says.
 *
 * It counts no tokens, so nothing is shortened here: give a conversation and documents that fit.
 */
import { readFileSync } from "node:fs";

type Message = { role: string; content: string };
type Passage = { text: string; source: string; title?: string };
type Part = {
  text?: string;
  input?: string;
  profile?: string | true;
  documents?: string;
  history?: true;
  examples?: string;
  escape?: "xml";
};
type Slot = { section: string; role: string; parts: Part[]; wrap?: string; rows?: Message[][] };
type Rule = { type: string; max_chars?: number; one_of?: unknown[]; default?: unknown };

/** What `prompt export` prints. */
export type Exported = {
  format: string;
  dialect: string;
  needs: string[];
  messages: Slot[];
  inputs: Record<string, Rule>;
  profile: Record<string, Rule>;
};

/** What the application has. `examples` are the numbers of the rows to show, by section. */
export type Values = {
  inputs: Record<string, unknown>;
  profile?: Record<string, unknown>;
  history?: Message[];
  documents?: Record<string, Passage[]>;
  examples?: Record<string, number[]>;
};

// Characters that nobody sees, but line feed and tab, and the joiners that make one emoji of several.
const INVISIBLE = /(?!(?<=\p{Emoji}\uFE0F?)\u200D(?=\p{Emoji}))(?![\n\t])[\p{Cc}\p{Cf}]/gu;

const cleaned = (text: string) => text.replace(/\r\n|[\r\v\f\x85]/g, "\n").replace(INVISIBLE, "");

/** A text that can neither open nor close a tag. */
const escaped = (text: string) =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/** A value in words. */
const said = (value: unknown): string =>
  Array.isArray(value) ? value.map(said).join(", ") : cleaned(String(value));

/** The value of an input, checked: an error names the input and the limit, never the value. */
function input(prompt: Exported, values: Values, name: string): string {
  const rule = prompt.inputs[name];
  const value = values.inputs[name] ?? rule.default;
  if (value === undefined) throw new Error(`the input \`${name}\` is missing`);
  if (rule.type === "string" && typeof value !== "string")
    throw new Error(`the input \`${name}\` must be a text`);
  if (rule.max_chars && [...said(value)].length > rule.max_chars)
    throw new Error(`the input \`${name}\` may have ${rule.max_chars} characters`);
  if (rule.one_of && !rule.one_of.includes(value))
    throw new Error(`the input \`${name}\` must be one of ${rule.one_of.join(", ")}`);
  return said(value);
}

/** The fields that may be said, in their declared order. */
function profile(prompt: Exported, values: Values): Record<string, string> {
  const known: Record<string, string> = {};
  for (const [name, rule] of Object.entries(prompt.profile)) {
    const value = values.profile?.[name] ?? rule.default;
    if (value !== undefined && value !== null) known[name] = said(value);
  }
  return known;
}

function document(found: Passage, at: number): string {
  const title = found.title ? [`<title>${escaped(cleaned(found.title))}</title>`] : [];
  return [
    `<document index="${at + 1}">`,
    `<source>${escaped(cleaned(found.source))}</source>`,
    ...title,
    `<document_content>\n${escaped(cleaned(found.text))}\n</document_content>`,
    "</document>",
  ].join("\n");
}

function text(prompt: Exported, values: Values, part: Part): string {
  if (part.text !== undefined) return part.text;
  if (part.documents) return (values.documents?.[part.documents] ?? []).map(document).join("\n");
  const known = profile(prompt, values);
  if (part.profile === true)
    return Object.entries(known)
      .map(([name, value]) => `<${name}>${escaped(value)}</${name}>`)
      .join("\n");
  const value = part.profile ? (known[part.profile] ?? "") : input(prompt, values, part.input ?? "");
  return part.escape ? escaped(value) : value;
}

/** The messages of one section. */
function section(prompt: Exported, values: Values, slot: Slot): Message[] {
  if (slot.role === "history")
    return (values.history ?? []).map((one) => ({ ...one, content: cleaned(one.content) }));
  if (slot.role === "examples")
    return (values.examples?.[slot.section] ?? []).flatMap((row) => slot.rows?.[row] ?? []);
  const body = slot.parts.map((part) => text(prompt, values, part)).join("").trim();
  if (!body) return [];
  return [{ role: slot.role, content: slot.wrap ? `<${slot.wrap}>\n${body}\n</${slot.wrap}>` : body }];
}

/** The messages to send. Values are never templates and never decide a role. */
export function render(prompt: Exported, values: Values): Message[] {
  if (prompt.format !== "tunectl-prompt/1") throw new Error(`not a prompt: ${prompt.format}`);
  if (prompt.dialect !== "openai") throw new Error("export it with `--for openai`");
  if (prompt.needs.length) throw new Error(`it needs ${prompt.needs.join(", ")}`);
  const unknown = Object.keys(values.inputs).filter((name) => !(name in prompt.inputs));
  if (unknown.length) throw new Error(`there is no input ${unknown.join(", ")}`);
  const messages: Message[] = [];
  for (const one of prompt.messages.flatMap((slot) => section(prompt, values, slot))) {
    const last = messages.at(-1);
    // `merge` of the layout: neighbours of one role become one, for models want sides to alternate.
    if (last?.role === one.role) last.content += `\n\n${one.content}`;
    else messages.push({ role: one.role, content: one.content });
  }
  return messages;
}

if (process.argv.length === 4) {
  const [prompt, values] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));
  console.log(JSON.stringify(render(prompt, values)));
}
