// The list of merge tags that opens where `{{` is typed: the words after it narrow it, arrows choose, Enter puts the tag.
// The cursor stays in the text; what is chosen is told by `aria-activedescendant`.
import { chip } from "mail_editor/chips";

const most = 8;
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

export class Chooser {
  constructor(editor) {
    this.editor = editor;
    this.tags = [];
    this.list = document.createElement("div");
    this.list.className = "menu tag-chooser";
    this.list.id = "tag-chooser";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Merge tags");
    this.list.popover = "manual";
    document.body.append(this.list);
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) this.put(Number(option.dataset.index));
    });
    const { squire } = editor;
    this.tell({ "aria-autocomplete": "list" });
    squire.addEventListener("blur", () => this.close());
    squire.addEventListener("cursor", () => this.look());
  }

  // The tags as the page lists them.
  async load(url) {
    try {
      const page = new DOMParser().parseFromString(await (await fetch(url, { headers: { "Turbo-Frame": "tags" } })).text(), "text/html");
      this.tags = [...page.querySelectorAll("[data-tag-path]")].map((row) => ({ path: row.dataset.tagPath, label: row.dataset.tagLabel, example: row.dataset.tagExample }));
    } catch (error) {
      console.warn("The list of merge tags could not be fetched.", error);
    }
    return this.tags;
  }

  // What stands between `{{` and the cursor.
  typed() {
    const range = this.editor.squire?.getSelection();
    if (!range?.collapsed || range.startContainer.nodeType !== Node.TEXT_NODE) return null;
    const before = range.startContainer.data.slice(0, range.startOffset);
    const found = /\{\{([^{}]{0,40})$/.exec(before);
    return found && { words: found[1].trim(), text: range.startContainer, from: found.index, to: range.startOffset };
  }

  look() {
    const typed = this.typed();
    if (!typed || this.closedAt === typed.from) {
      if (!typed) this.closedAt = null;
      return this.close();
    }
    const wanted = plain(typed.words);
    this.found = this.tags.filter(({ label, path }) => plain(label).includes(wanted) || path.includes(wanted)).slice(0, most);
    if (this.found.length === 0) return this.close();
    this.list.replaceChildren(...this.found.map((tag, index) => this.option(tag, index)));
    this.choose(0);
    if (!this.list.matches(":popover-open")) this.list.showPopover();
    const at = this.editor.squire.getCursorPosition();
    const { width, height } = this.list.getBoundingClientRect();
    this.list.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
    this.list.style.top = `${at.bottom + 4 + height > innerHeight ? Math.max(8, at.top - height - 4) : at.bottom + 4}px`;
    this.tell({ "aria-controls": this.list.id });
  }

  // Attributes of the text field; Squire would take a change of them for one of the text.
  tell(attributes) {
    const { squire, surface } = this.editor;
    const change = () => {
      for (const [name, value] of Object.entries(attributes)) {
        if (value === null) surface.removeAttribute(name);
        else surface.setAttribute(name, value);
      }
    };
    squire ? squire.modifyDocument(change) : change();
  }

  option({ label, path, example }, index) {
    const option = document.createElement("div");
    option.id = `tag-option-${index}`;
    option.dataset.index = index;
    option.setAttribute("role", "option");
    const meta = document.createElement("span");
    meta.className = "meta";
    meta.textContent = example || path;
    option.append(label, meta);
    return option;
  }

  choose(index) {
    this.chosen = index;
    for (const option of this.list.children) option.setAttribute("aria-selected", Number(option.dataset.index) === index);
    this.list.children[index]?.scrollIntoView({ block: "nearest" });
    this.tell({ "aria-activedescendant": `tag-option-${index}` });
  }

  key(event) {
    if (!this.list.matches(":popover-open")) return;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (steps[event.key]) this.choose((this.chosen + steps[event.key] + this.found.length) % this.found.length);
    else if (event.key === "Enter" || event.key === "Tab") this.put(this.chosen);
    else if (event.key === "Escape") {
      this.closedAt = this.typed()?.from ?? null;
      this.close();
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  put(index) {
    const typed = this.typed();
    const { squire } = this.editor;
    if (!typed) return this.close();
    squire.saveUndoState();
    const range = document.createRange();
    range.setStart(typed.text, typed.from);
    range.setEnd(typed.text, typed.to);
    range.deleteContents();
    squire.insertElement(chip(`{{ ${this.found[index].path} }}`), range);
    this.close();
    this.editor.changed();
  }

  close() {
    if (!this.list.matches(":popover-open")) return;
    this.list.hidePopover();
    this.tell({ "aria-activedescendant": null, "aria-controls": null });
  }

  destroy() {
    this.list.remove();
  }
}
