// The editor of emails: Squire with our toolbar and merge tags. What it makes is written into the form's field at every
// change; until something changes, the field keeps its bytes.
import Squire from "squire-rte";
import { chip, isChip, redraw, takeOut } from "mail_editor/chips";
import { toFragment } from "mail_editor/clean";
import { Chooser } from "mail_editor/chooser";
import { Panels } from "mail_editor/panels";
import { toHtml } from "mail_editor/source";
import { hasTags, learn, split } from "mail_editor/tags";
import { Toolbar } from "mail_editor/toolbar";

const mac = /Mac OS X/.test(navigator.userAgent);
const control = mac ? "Meta-" : "Ctrl-";

export default class Editor {
  constructor(host) {
    this.host = host;
    this.field = host.fieldTarget;
    this.surface = document.createElement("div");
    this.surface.className = "editor-surface mail-body";
    this.surface.id = "email-surface";
    const described = this.field.getAttribute("aria-describedby");
    const names = { role: "textbox", "aria-multiline": "true", "aria-labelledby": host.labelTarget.id, spellcheck: "true", "data-insert-target": "field" };
    if (described) names["aria-describedby"] = described;
    if (this.field.getAttribute("aria-invalid")) names["aria-invalid"] = "true";
    for (const [name, value] of Object.entries(names)) this.surface.setAttribute(name, value);
    this.field.after(this.surface);
    this.field.hidden = true;
    // Kept: the page may be drawn anew before this ends.
    this.label = host.labelTarget;
    this.label.removeAttribute("for");
    this.label.addEventListener("click", (this.toSurface = () => this.focus()));
    this.squire = new Squire(this.surface, {
      blockTag: "P",
      sanitizeToDOMFragment: toFragment,
      toPlainText: (html) => html.replace(/<[^>]*>/g, ""),
      didError: (error) => console.warn("The editor could not do this.", error),
    });
    // Its handles to size pictures would set style attributes, which the page's policy drops.
    this.squire._imageResizer.destroy();
    this.squire.setHTML(this.field.value);
    this.panels = new Panels(this);
    this.chooser = new Chooser(this);
    this.toolbar = new Toolbar(this, host.toolbarTarget);
    this.listen();
    this.learnTags();
  }

  listen() {
    const { squire } = this;
    squire.addEventListener("input", () => this.changed());
    squire.addEventListener("pasteImage", () => this.say("Pictures are put in by their address. Choose Picture above."));
    this.surface.addEventListener("click", ({ target }) => isChip(target) && this.panels.change(target));
    this.surface.addEventListener("keydown", (event) => this.chooser.key(event), true);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.addEventListener("change", (this.recolour = () => redraw(this.surface)));
    for (const [keys, command] of [["k", "link"], ["Shift-7", "ordered"], ["Shift-8", "unordered"], ["Shift-9", "quote"], ["Shift-x", "plain"], ["Shift-X", "plain"], ["\\", "plain"]]) {
      squire.setKeyHandler(control + keys, (_, event) => {
        event.preventDefault();
        event.stopPropagation();
        this.do(command);
      });
    }
    for (const key of ["Backspace", "Delete"]) this.removeWhole(key);
    this.keepOff();
    squire.setKeyHandler("Alt-Enter", (_, event) => this.changeNearest(event));
    for (const keys of ["Shift-5", "Shift-6", "d", "["]) squire.setKeyHandler(control + keys, () => {});
  }

  // A format that was turned off at the end of a line is off in the next, which Squire begins within it.
  keepOff() {
    const { squire } = this;
    squire.splitBlock = (...given) => {
      const off = ["B", "I"].filter((name) => !squire.hasFormat(name));
      const done = Object.getPrototypeOf(squire).splitBlock.apply(squire, given);
      for (const name of off) if (squire.hasFormat(name)) name === "B" ? squire.removeBold() : squire.removeItalic();
      return done;
    };
  }

  // Backspace and Delete take a chip as one thing.
  removeWhole(key) {
    const usual = Object.getPrototypeOf(this.squire._keyHandlers)[key];
    this.squire.setKeyHandler(key, (squire, event, range) => {
      const chip = range.collapsed && this.beside(range, key === "Backspace" ? -1 : 1);
      if (!chip) return usual(squire, event, range);
      event.preventDefault();
      squire.saveUndoState(range);
      takeOut(chip, range);
      squire.setSelection(range);
      this.changed();
    });
  }

  // The chip right before (-1) or after (1) the cursor.
  beside(range, direction) {
    let { startContainer: node, startOffset: at } = range;
    if (node.nodeType === Node.TEXT_NODE) {
      const rest = direction < 0 ? node.data.slice(0, at) : node.data.slice(at);
      if (rest.replace(/[\u200b\u2060]/g, "") !== "") return null;
    } else {
      const next = node.childNodes[direction < 0 ? at - 1 : at];
      if (next) node = next;
      if (next && isChip(next)) return next;
      if (next && next.nodeType !== Node.TEXT_NODE) return null;
      if (next?.data.replace(/[\u200b\u2060]/g, "")) return null;
    }
    const sibling = (from) => (direction < 0 ? from.previousSibling : from.nextSibling);
    while (node !== this.surface && !/^(?:P|LI|BLOCKQUOTE)$/.test(node.nodeName)) {
      let next = sibling(node);
      while (next && next.nodeType === Node.TEXT_NODE && next.data.replace(/[\u200b\u2060]/g, "") === "") next = sibling(next);
      while (next && !isChip(next) && /^(?:A|B|I|U|S)$/.test(next.nodeName)) next = direction < 0 ? next.lastChild : next.firstChild;
      if (next) return isChip(next) ? next : null;
      node = node.parentNode;
    }
    return null;
  }

  changeNearest(event) {
    const range = this.squire.getSelection();
    const inside = range.collapsed ? null : range.cloneContents().querySelector("img.tag-chip") && [...this.surface.querySelectorAll("img.tag-chip")].find((image) => range.intersectsNode(image));
    const chip = inside ?? this.beside(range, -1) ?? this.beside(range, 1);
    if (!chip) return;
    event.preventDefault();
    this.panels.change(chip);
  }

  async learnTags() {
    if (!this.host.tagsValue) return;
    this.tags = await this.chooser.load(this.host.tagsValue);
    learn(this.tags);
    if (this.squire) this.squire.modifyDocument(() => redraw(this.surface));
  }

  changed() {
    this.makeChips();
    this.field.value = toHtml(this.surface);
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
    this.chooser.look();
  }

  // A tag that was typed or pasted to its end becomes a chip.
  makeChips() {
    const range = this.squire.getSelection();
    const text = range.startContainer;
    if (!range.collapsed || text.nodeType !== Node.TEXT_NODE || !hasTags(text.data)) return;
    const parts = split(text.data.replace(/\u00a0/g, " "));
    const nodes = parts.map((part) => (part.tag === undefined ? document.createTextNode(part.text) : chip(part.tag)));
    const after = parts.findIndex((_, index) => parts.slice(0, index + 1).reduce((sum, part) => sum + (part.tag ?? part.text).length, 0) >= range.startOffset);
    this.squire.modifyDocument(() => text.replaceWith(...nodes));
    const placed = document.createRange();
    placed.setStartAfter(nodes[Math.max(after, 0)]);
    placed.collapse(true);
    this.squire.setSelection(placed);
  }

  // Puts tags at the cursor; of several the selection goes between the first and the rest.
  insertTags(text) {
    this.squire.focus();
    this.squire.insertHTML(split(text).map((part) => (part.tag === undefined ? part.text : part.tag)).join(""));
    this.changed();
  }

  do(command) {
    const { squire } = this;
    const has = (name) => squire.hasFormat(name);
    const commands = {
      bold: () => (has("B") ? squire.removeBold() : squire.bold()),
      italic: () => (has("I") ? squire.removeItalic() : squire.italic()),
      unordered: () => (has("UL") ? squire.removeList() : squire.makeUnorderedList()),
      ordered: () => (has("OL") ? squire.removeList() : squire.makeOrderedList()),
      quote: () => (has("BLOCKQUOTE") ? squire.decreaseQuoteLevel() : squire.increaseQuoteLevel()),
      plain: () => squire.removeAllFormatting(),
      undo: () => squire.undo(),
      redo: () => squire.redo(),
      link: () => this.panels.link(),
      picture: () => this.panels.picture(),
    };
    commands[command]?.();
    if (command === "undo" || command === "redo") this.changed();
    this.toolbar.look();
  }

  say(words) {
    this.host.hintTarget.textContent = words;
  }

  isFormatted() {
    return this.surface.querySelector("a, b, i, u, s, ul, ol, blockquote, img[data-src]") !== null;
  }

  focus() {
    this.squire.focus();
  }

  destroy() {
    this.dark.removeEventListener("change", this.recolour);
    this.label.removeEventListener("click", this.toSurface);
    this.label.htmlFor = this.field.id;
    this.squire.destroy();
    this.squire = null;
    this.panels.destroy();
    this.chooser.destroy();
    this.toolbar.destroy();
    this.surface.remove();
    this.field.hidden = false;
  }
}
