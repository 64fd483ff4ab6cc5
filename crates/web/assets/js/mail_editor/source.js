// What stands in the editor as the HTML of an email, and as plain text, with the merge tags as they are written.
import { isChip } from "mail_editor/chips";
import { split } from "mail_editor/tags";

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\u00a0/g, "&nbsp;");
const inAttribute = (text) => split(text).map((part) => part.tag ?? escaped(part.text).replace(/"/g, "&quot;")).join("");
const inline = { B: "b", STRONG: "b", I: "i", EM: "i", U: "u", S: "s" };
const isBlock = (node) => /^(?:P|DIV|UL|OL|LI|BLOCKQUOTE)$/.test(node.nodeName);

function ofInline(node) {
  if (node.nodeType === Node.TEXT_NODE) return escaped(node.data.replace(/[\u200b\u2060]/g, ""));
  if (isChip(node)) {
    if (node.dataset.tag !== undefined) return node.dataset.tag;
    return `<img src="${inAttribute(node.dataset.src)}" alt="${inAttribute(node.dataset.alt ?? "")}">`;
  }
  if (node.nodeName === "BR") return "<br>";
  const inside = ofInlines(node.childNodes);
  if (node.nodeName === "A") return inside && node.getAttribute("href") ? `<a href="${inAttribute(node.getAttribute("href"))}">${inside}</a>` : inside;
  const name = inline[node.nodeName];
  return name && inside ? `<${name}>${inside}</${name}>` : inside;
}

const ofInlines = (nodes) => [...nodes].map(ofInline).join("");

// A paragraph that only opens or closes a condition is none: it would leave an empty line.
const isCondition = (html) => /^(?:\s|&nbsp;|\{%[\s\S]*?%\})+$/.test(html) && html.includes("{%");

// Browsers type a space at an edge as one that never breaks; those before a mark of punctuation are meant.
const spaced = (html) => html.replace(/(?:&nbsp;| )+(?=(.?))/g, (run, next) => (run === "&nbsp;" && !/[!?:;»%€]/.test(next) ? " " : run));

function ofParagraph(node) {
  const html = spaced(ofInlines(node.childNodes).replace(/<br>$/, ""));
  if (isCondition(html)) return html.replace(/&nbsp;/g, " ").trim();
  return `<p>${html.trim() === "" ? "<br>" : html}</p>`;
}

function ofItem(item) {
  const inside = [];
  let line = "";
  for (const child of item.childNodes) {
    if (/^(?:UL|OL)$/.test(child.nodeName)) inside.push(ofBlock(child));
    else line += isBlock(child) ? `${line ? "<br>" : ""}${ofInlines(child.childNodes).replace(/<br>$/, "")}` : ofInline(child);
  }
  return `<li>${spaced(line.replace(/<br>$/, "")).trim()}${inside.join("")}</li>`;
}

function ofBlock(node) {
  if (node.nodeName === "UL" || node.nodeName === "OL") {
    const name = node.nodeName.toLowerCase();
    return `<${name}>${[...node.children].map((child) => (child.nodeName === "LI" ? ofItem(child) : ofBlock(child))).join("")}</${name}>`;
  }
  if (node.nodeName === "BLOCKQUOTE") return `<blockquote>${ofBlocks(node, "")}</blockquote>`;
  return [...node.childNodes].some(isBlock) ? ofBlocks(node, "") : ofParagraph(node);
}

const ofBlocks = (parent, between) =>
  [...parent.childNodes].map((node) => (isBlock(node) ? ofBlock(node) : `<p>${ofInline(node)}</p>`)).filter((html) => html !== "<p></p>").join(between);

// The HTML of the email; empty if nothing was written.
export function toHtml(root) {
  const html = ofBlocks(root, "\n");
  return html.replace(/<p><br><\/p>/g, "").trim() === "" ? "" : html.replace(/(?:\n<p><br><\/p>)+$/, "");
}

function textOf(node, lead) {
  if (node.nodeType === Node.TEXT_NODE) return node.data.replace(/[\u200b\u2060]/g, "").replace(/\u00a0/g, " ");
  if (isChip(node)) return node.dataset.tag ?? node.dataset.alt ?? "";
  if (node.nodeName === "BR") return `\n${lead}`;
  const inside = [...node.childNodes].map((child) => textOf(child, lead)).join("");
  const href = node.nodeName === "A" ? node.getAttribute("href").replace(/^mailto:/, "") : "";
  return href && href !== inside.trim() ? `${inside} (${href})` : inside;
}

function linesOf(node, lead, mark) {
  if (node.nodeName === "BLOCKQUOTE") return [...node.childNodes].flatMap((child) => linesOf(child, `${lead}> `, "")).concat("");
  if (node.nodeName === "UL" || node.nodeName === "OL") {
    const items = [...node.children].flatMap((item, index) => linesOf(item, lead, node.nodeName === "OL" ? `${index + 1}. ` : "- "));
    return mark ? items : items.concat("");
  }
  if (node.nodeName === "LI") {
    const own = [...node.childNodes].filter((child) => !/^(?:UL|OL)$/.test(child.nodeName));
    const below = [...node.childNodes].filter((child) => /^(?:UL|OL)$/.test(child.nodeName));
    const words = own.map((child) => textOf(child, lead)).join("").trimEnd();
    return [`${lead}${mark}${words}`, ...below.flatMap((list) => linesOf(list, `${lead}   `, mark))];
  }
  if (isBlock(node) && [...node.childNodes].some(isBlock)) return [...node.childNodes].flatMap((child) => linesOf(child, lead, ""));
  const words = textOf(node, lead).replace(/\n[> ]*$/, "");
  return words.trim() === "" ? [] : [`${lead}${words}`, lead.trimEnd()];
}

// The same words as plain text.
export const toText = (root) => [...root.childNodes].flatMap((node) => linesOf(node, "", "")).join("\n").replace(/\n{3,}/g, "\n\n").trim();

// Plain text as HTML: a blank line begins a paragraph.
export function fromText(text) {
  const paragraphs = text.replace(/\r\n/g, "\n").trim().split(/\n{2,}/).filter((paragraph) => paragraph.trim());
  const ofWords = (words) => split(words).map((part) => part.tag ?? escaped(part.text)).join("");
  return paragraphs.map((paragraph) => `<p>${paragraph.split("\n").map(ofWords).join("<br>")}</p>`).join("\n");
}
