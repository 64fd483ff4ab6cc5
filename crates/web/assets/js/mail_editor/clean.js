// HTML from a template, the clipboard or a drop becomes the few elements every mail program shows alike.
// DOMPurify takes out what runs or loads, in a document where nothing does; the rest is rewritten here.
import DOMPurify from "dompurify";
import { chip, picture } from "mail_editor/chips";
import { hasTags, replaceTags, split } from "mail_editor/tags";

const kept = new Set(["P", "DIV", "BR", "B", "I", "U", "S", "A", "UL", "OL", "LI", "BLOCKQUOTE", "IMG"]);
const renamed = { STRONG: "b", EM: "i", CITE: "i", INS: "u", STRIKE: "s", DEL: "s", ADDRESS: "p", PRE: "p", CENTER: "p", DT: "p", DD: "p", TR: "p" };
const blocks = /^(?:P|DIV|UL|OL|LI|BLOCKQUOTE|TABLE|TBODY|THEAD|TR|TD|TH|H[1-6]|SECTION|ARTICLE|HEADER|FOOTER|MAIN|ASIDE|NAV|DL|FIGURE)$/;
const schemes = /^(?:https?:|mailto:|tel:)/i;

const rules = {
  ALLOWED_TAGS: ["p", "div", "br", "b", "strong", "i", "em", "cite", "u", "ins", "s", "strike", "del", "a", "ul", "ol", "li", "blockquote", "img", "span", "font", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "code", "address", "center", "table", "tbody", "thead", "tr", "td", "th", "dl", "dt", "dd", "section", "article", "header", "footer", "main", "aside", "figure", "figcaption"],
  ALLOWED_ATTR: ["href", "src", "alt", "data-style", "data-tag", "data-src", "data-alt"],
  ADD_URI_SAFE_ATTR: ["data-style", "data-tag", "data-alt"],
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

// Tags as signs that no parser takes apart; `back` puts them where they were.
function hide(html) {
  const tags = [];
  const hidden = replaceTags(html.replace(/[\uE000\uE001]/g, ""), (tag) => `\uE000${tags.push(tag) - 1}\uE001`);
  const back = (text) => text.replace(/\uE000(\d+)\uE001/g, (_, index) => tags[index] ?? "");
  return { hidden, back };
}

// Styles and handlers under other names: even a page that shows nothing would ask the policy about them.
const setAside = (html) =>
  html
    .replace(/<!--[\s\S]*?-->|<style[\s\S]*?<\/style\s*>/gi, "")
    .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/([\s"'/])(style|on\w+)(\s*=)/gi, "$1data-$2$3"));

const decoded = (tag) => tag.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&#39;/g, "'").replace(/&nbsp;|\u00a0/g, " ").replace(/&amp;/g, "&");

// A link of another kind is none. A tag may stand in it, or be all of it.
export function linkOf(text) {
  const href = text.trim();
  if (hasTags(href)) return href.startsWith("{{") || schemes.test(href) ? href : "";
  if (/^[a-z][a-z0-9+.-]*:/i.test(href) && !/^[\w.-]+:\d+(?:\/|$)/.test(href)) return schemes.test(href) ? href : "";
  if (/^[^\s@/]+@[^\s@/]+\.[^\s@/]+$/.test(href)) return `mailto:${href}`;
  return /^[^\s/]+\.[^\s/]{2,}(?:\/|$|\?|#)/.test(href) ? `https://${href}` : "";
}

export const imageOf = (text) => (/^https:\/\/[^\s]+$/i.test(text.trim()) ? text.trim() : "");

const unwrap = (node) => node.replaceWith(...node.childNodes);

function rename(node, name) {
  const fresh = node.ownerDocument.createElement(name);
  fresh.append(...node.childNodes);
  node.replaceWith(fresh);
  return fresh;
}

function wrapIn(node, name) {
  const inner = node.ownerDocument.createElement(name);
  inner.append(...node.childNodes);
  node.append(inner);
}

// Word writes lists as paragraphs with a level; their marks are text.
function makeLists(fragment) {
  let list = null;
  let last = null;
  for (const paragraph of fragment.querySelectorAll("p, div")) {
    const level = /mso-list:\s*l\d+\s+level(\d+)/i.exec(paragraph.getAttribute("data-style") ?? "");
    if (!level) continue;
    const mark = /^[\s\u00a0]*(\d+[.)]|[a-z][.)]|[·•§o▪–-])[\s\u00a0]+/i.exec(paragraph.textContent);
    const name = mark && /^(?:\d+|[a-z])[.)]/i.test(mark[1]) ? "ol" : "ul";
    for (const sign of paragraph.querySelectorAll("span")) {
      if (/mso-list:\s*ignore/i.test(sign.getAttribute("data-style") ?? "")) sign.remove();
    }
    if (mark && paragraph.firstChild?.nodeType === 3) paragraph.firstChild.data = paragraph.firstChild.data.replace(/^[\s\u00a0]*(?:\d+[.)]|[·•§o▪–-])[\s\u00a0]+/i, "");
    let previous = paragraph.previousSibling;
    while (previous?.nodeType === 3 && !previous.data.trim()) previous = previous.previousSibling;
    if (!list || last !== list || previous !== list || list.localName !== name) {
      list = paragraph.ownerDocument.createElement(name);
      paragraph.before(list);
    }
    last = list;
    list.append(paragraph);
    const item = rename(paragraph, "li");
    item.removeAttribute("data-style");
  }
}

// Weight and slant that stand in a style become elements; Google wraps all in a bold that is none.
function readStyle(node) {
  const style = node.getAttribute("data-style")?.toLowerCase() ?? "";
  if (!style) return node;
  if (/display:\s*none|mso-hide:\s*all/.test(style)) return node.replaceChildren(), node;
  const weight = /font-weight:\s*(\w+)/.exec(style)?.[1];
  if ((node.localName === "b" || node.localName === "strong") && (weight === "normal" || weight === "400")) return rename(node, "span");
  if (!/^(?:SPAN|FONT|A|TD)$/.test(node.tagName)) return node;
  if (weight === "bold" || Number(weight) >= 600) wrapIn(node, "b");
  if (/font-style:\s*italic/.test(style)) wrapIn(node, "i");
  if (/text-decoration[^;]*underline/.test(style) && node.localName !== "a") wrapIn(node, "u");
  return node;
}

function rewrite(given, back) {
  let node = readStyle(given);
  if (/^H[1-6]$/.test(node.tagName)) {
    node = rename(node, "p");
    wrapIn(node, "b");
  } else if (node.tagName === "TD" || node.tagName === "TH") {
    if (node.nextSibling) node.append(" ");
    return unwrap(node);
  } else if (renamed[node.tagName]) node = rename(node, renamed[node.tagName]);
  else if (!kept.has(node.tagName)) {
    if (!blocks.test(node.tagName)) return unwrap(node);
    return [...node.children].some((child) => blocks.test(child.tagName)) ? unwrap(node) : void rename(node, "p");
  }
  if (node.tagName === "DIV" && [...node.children].some((child) => blocks.test(child.tagName))) return unwrap(node);
  if (node.tagName === "DIV") node = rename(node, "p");
  if (node.tagName === "LI" && !/^(?:UL|OL)$/.test(node.parentNode?.nodeName)) node = rename(node, "p");
  const href = node.tagName === "A" ? linkOf(back(node.getAttribute("href") ?? given.getAttribute?.("href") ?? "")) : "";
  const [src, alt] = node.tagName === "IMG" ? [imageOf(back(node.dataset.src ?? node.getAttribute("src") ?? "")), back(node.dataset.alt ?? node.getAttribute("alt") ?? "")] : ["", ""];
  const tag = node.tagName === "IMG" ? node.dataset.tag : undefined;
  for (const { name } of [...node.attributes]) node.removeAttribute(name);
  if (node.tagName === "A") href ? node.setAttribute("href", href) : unwrap(node);
  if (node.tagName === "IMG") {
    if (tag !== undefined) node.dataset.tag = back(tag);
    else if (src) Object.assign(node.dataset, { src, alt });
    else node.remove();
  }
}

function makeChips(fragment, back) {
  const texts = [];
  const walker = fragment.ownerDocument.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    const parts = split(back(text.data));
    if (parts.length === 0 || (parts.length === 1 && parts[0].text !== undefined)) continue;
    text.replaceWith(...parts.map((part) => {
      if (part.tag === undefined) return part.text;
      const image = text.ownerDocument.createElement("img");
      image.dataset.tag = decoded(part.tag);
      return image;
    }));
  }
}

// A fragment of this page that holds nothing but what may stand in an email.
export function toFragment(html) {
  const { hidden, back } = hide(setAside(html));
  const fragment = DOMPurify.sanitize(hidden, rules);
  makeLists(fragment);
  for (const node of [...fragment.querySelectorAll("*")].reverse()) if (node.parentNode) rewrite(node, back);
  makeChips(fragment, back);
  const ours = document.importNode(fragment, true);
  for (const image of ours.querySelectorAll("img")) {
    if (image.dataset.tag !== undefined) chip(image.dataset.tag, image);
    else picture(image.dataset.src, image.dataset.alt ?? "", image);
  }
  keepBreaks(ours);
  return ours;
}

// Squire takes a line break for none where no text follows it, as before a tag at the end: a sign that is not written
// holds its place.
function keepBreaks(fragment) {
  for (const lineBreak of fragment.querySelectorAll("br")) {
    let next = lineBreak.nextSibling;
    while (next?.nodeType === Node.TEXT_NODE && !next.data.trim()) next = next.nextSibling;
    if (next?.nodeType === Node.ELEMENT_NODE && next.nodeName !== "BR" && !blocks.test(next.nodeName)) lineBreak.after("\u2060");
  }
}

// The text has what the editor would take away: colours, tables, classes.
export function isRicher(html) {
  const { hidden } = hide(setAside(html));
  const fragment = DOMPurify.sanitize(hidden, { ...rules, ADD_ATTR: ["class", "align", "bgcolor"] });
  return fragment.querySelector("table, [data-style], [class], font, h1, h2, h3, h4, h5, h6, [align], [bgcolor]") !== null;
}
