// Merge tags in a text: finds them, names them for people, and puts simple ones together again.
// A tag is `{{ … }}` (a value) or `{% … %}` (a condition). What is not simple keeps the words it has.

const pattern = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}|\{#[\s\S]*?#\}/g;
const labels = new Map();

// Names of tags, from the list the server made: path → words.
export function learn(entries) {
  for (const { path, label } of entries) labels.set(path, label);
}

export const split = (text) => {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > at) parts.push({ text: text.slice(at, match.index) });
    parts.push({ tag: match[0] });
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ text: text.slice(at) });
  return parts;
};

// The text with every tag put through `change`.
export const replaceTags = (text, change) => text.replace(pattern, change);
export const hasTags = (text) => text.search(pattern) >= 0;

const known = (path) => {
  if (labels.has(path)) return labels.get(path);
  const words = path.split(".").at(-1).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const quoted = /^(["'])(.*)\1$/s;

// What a value tag says, if it is simple: path, default, letter case.
export function read(tag) {
  const inside = /^\{\{-?\s*([a-z][\w.]*)\s*((?:\|[\s\S]*)?)-?\}\}$/i.exec(tag);
  if (!inside) return null;
  const simple = { path: inside[1], other: "", letters: "" };
  let rest = inside[2].trim();
  while (rest) {
    const filter = /^\|\s*(?:default\(\s*("[^"]*"|'[^']*')\s*\)|(title|upper|lower|first_word))\s*/.exec(rest);
    if (!filter) return null;
    if (filter[1] !== undefined) {
      if (simple.other) return null;
      simple.other = quoted.exec(filter[1])[2];
    } else if (simple.letters || simple.other) return null;
    else simple.letters = filter[2];
    rest = rest.slice(filter[0].length);
  }
  return simple;
}

export function write({ path, other, letters }) {
  const mark = other.includes("'") ? '"' : "'";
  const words = other.replaceAll(mark, "’").replace(/[{}%]/g, "");
  return `{{ ${path}${letters ? ` | ${letters}` : ""}${words ? ` | default(${mark}${words}${mark})` : ""} }}`;
}

const condition = (words) =>
  words
    .replace(/\b(?:person|company|sender)(?:\.\w+)+|\bunsubscribe_link\b/g, (path) => known(path))
    .replace(/\s*==\s*/g, " is ")
    .replace(/\s*!=\s*/g, " is not ")
    .replace(/"([^"]*)"|'([^']*)'/g, (_, one, two) => `“${one ?? two}”`)
    .replace(/^not\s+/, "no ");

// `value`, `condition` or `note`, and the words a chip shows.
export function describe(tag) {
  if (tag.startsWith("{%")) {
    const inside = tag.slice(2, -2).replace(/^-|-$/g, "").trim();
    const [, name, rest] = /^(\w+)\s*([\s\S]*)$/.exec(inside) ?? [null, inside, ""];
    const words = { if: `If ${condition(rest)}`, elif: `Or if ${condition(rest)}`, else: "Otherwise", endif: "End of if" };
    return { kind: "condition", words: words[name] ?? inside };
  }
  if (tag.startsWith("{#")) return { kind: "note", words: `Note: ${tag.slice(2, -2).trim()}` };
  const simple = read(tag);
  if (simple) return { kind: "value", words: simple.other ? `${known(simple.path)} or “${simple.other}”` : known(simple.path) };
  const inside = tag.slice(2, -2).replace(/^-|-$/g, "").trim();
  const path = /^[a-z][\w.]*/i.exec(inside)?.[0];
  return { kind: "value", words: path ? `${known(path)} · ${inside.slice(path.length).replace(/^\s*\|\s*/, "")}` : inside };
}
