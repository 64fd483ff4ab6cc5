// A merge tag as one thing in the editor: a picture of its words, so that every key and format treats it as a whole.
// The tag itself stands in `data-tag`. A picture by URL is drawn the same way: the page never loads it.
import { describe } from "mail_editor/tags";

const canvas = document.createElement("canvas").getContext("2d");
const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const short = (text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

const colours = {
  value: ["--soft", "--link"],
  condition: ["--wait-b", "--wait"],
  note: ["--bg3", "--text2"],
  image: ["--bg3", "--text2"],
};

// A colour of the page as it is now, light or dark.
function colour(name) {
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function draw(kind, words) {
  const style = getComputedStyle(document.body);
  const [back, front] = colours[kind].map(colour);
  const font = `500 13px ${style.fontFamily}`;
  canvas.font = font;
  const shown = short(words);
  const width = Math.ceil(canvas.measureText(shown).width) + 14;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="20" viewBox="0 0 ${width} 20"><rect width="${width}" height="20" rx="5" fill="${escaped(back)}"/><text x="7" y="14.5" fill="${escaped(front)}" font-family="${escaped(style.fontFamily)}" font-size="13" font-weight="500">${escaped(shown)}</text></svg>`;
  return { src: `data:image/svg+xml,${encodeURIComponent(svg)}`, width };
}

function show(image, kind, words) {
  const { src, width } = draw(kind, words);
  image.setAttribute("src", src);
  image.setAttribute("width", width);
  image.setAttribute("height", 20);
  image.setAttribute("alt", words);
  image.setAttribute("title", image.dataset.tag ?? image.dataset.src);
  return image;
}

// The chip of a tag; `image` is one that changes.
export function chip(tag, image = document.createElement("img")) {
  const { kind, words } = describe(tag);
  image.dataset.tag = tag;
  image.className = `tag-chip ${kind}`;
  return show(image, kind, words);
}

// A picture by URL, which the reader's mail program loads.
export function picture(src, alt, image = document.createElement("img")) {
  image.dataset.src = src;
  image.dataset.alt = alt;
  image.className = "tag-chip image";
  return show(image, "image", `Image: ${alt || src}`);
}

export const isChip = (node) => node instanceof HTMLImageElement && (node.dataset.tag !== undefined || node.dataset.src !== undefined);

// Takes a chip out; `range` then stands where it was. A space before it stays visible.
export function takeOut(image, range) {
  range.setStartBefore(image);
  range.collapse(true);
  const paragraph = image.closest("p, li");
  const before = image.previousSibling;
  if (before?.nodeType === Node.TEXT_NODE && !image.nextSibling) before.data = before.data.replace(/ $/, "\u00a0");
  image.remove();
  if (paragraph && !paragraph.hasChildNodes()) paragraph.append(document.createElement("br"));
}

// Draws all chips again, when their words or the colours are other ones.
export function redraw(root) {
  for (const image of root.querySelectorAll("img.tag-chip")) {
    if (image.dataset.tag !== undefined) chip(image.dataset.tag, image);
    else picture(image.dataset.src, image.dataset.alt, image);
  }
}
