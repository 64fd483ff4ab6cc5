// The small forms of the editor: a link, a picture, a merge tag. Each is a template of the page, shown as a popover under
// what it is about; Escape and Done bring the cursor back.
import { chip, picture, takeOut } from "mail_editor/chips";
import { imageOf, linkOf } from "mail_editor/clean";
import { hasTags, read, write } from "mail_editor/tags";

export class Panels {
  constructor(editor) {
    this.editor = editor;
  }

  open(name, anchor, fill, done) {
    this.close();
    const { squire, host } = this.editor;
    const range = squire.getSelection();
    const template = host.panelTargets.find((panel) => panel.dataset.name === name);
    const panel = template.content.firstElementChild.cloneNode(true);
    const form = panel.querySelector("form");
    panel.popover = "auto";
    document.body.append(panel);
    this.panel = panel;
    fill(form.elements, form);
    const refuse = (field, words) => {
      const note = form.querySelector(`[data-note="${field}"]`);
      note.textContent = words;
      note.hidden = !words;
      form.elements[field].setAttribute("aria-invalid", Boolean(words));
      if (words) form.elements[field].focus();
    };
    const finish = (act) => {
      squire.setSelection(range);
      if (act() === false) return;
      this.close();
      this.editor.focus();
      this.editor.changed();
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      finish(() => done(form.elements, refuse));
    });
    form.querySelector("[data-remove]")?.addEventListener("click", () => finish(() => done(null)));
    panel.addEventListener("keydown", (event) => event.stopPropagation());
    panel.addEventListener("toggle", (event) => {
      if (event.newState !== "closed") return;
      panel.remove();
      if (this.panel === panel) {
        this.panel = null;
        this.editor.squire?.setSelection(range);
        if (!document.activeElement || document.activeElement === document.body) this.editor.focus();
      }
    });
    panel.showPopover();
    const at = anchor.getBoundingClientRect();
    const { width, height } = panel.getBoundingClientRect();
    panel.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
    panel.style.top = `${at.bottom + 6 + height > innerHeight ? Math.max(8, at.top - height - 6) : at.bottom + 6}px`;
    panel.querySelector("[data-first]").focus();
  }

  button(command) {
    return this.editor.host.toolbarTarget.querySelector(`[data-command="${command}"]`);
  }

  link() {
    const { squire, surface } = this.editor;
    const range = squire.getSelection();
    const from = range.startContainer;
    const link = (from.nodeType === Node.ELEMENT_NODE ? from : from.parentNode).closest?.("a");
    const inside = link && surface.contains(link) ? link : null;
    const selected = squire.getSelectedText().trim();
    const fill = (fields, form) => {
      fields.url.value = inside?.getAttribute("href") ?? linkOf(selected);
      fields.words.value = inside?.textContent ?? selected;
      fields.words.closest(".field").hidden = Boolean(selected) && !inside;
      form.querySelector("[data-remove]").hidden = !inside;
    };
    this.open("link", this.button("link"), fill, (fields, refuse) => {
      if (!fields) return void squire.removeLink();
      const href = linkOf(fields.url.value);
      if (!href) return refuse("url", "Enter a web address, an email address or a phone link (tel:)."), false;
      if (inside) {
        squire.saveUndoState();
        inside.setAttribute("href", href);
        if (fields.words.value !== inside.textContent && fields.words.value.trim()) inside.textContent = fields.words.value;
      } else if (selected) squire.makeLink(href);
      else {
        const link = document.createElement("a");
        link.href = href;
        link.setAttribute("href", href);
        link.textContent = fields.words.value.trim() || fields.url.value.trim();
        squire.saveUndoState();
        squire.insertElement(link);
      }
    });
  }

  picture(image = null) {
    const { squire } = this.editor;
    const fill = (fields, form) => {
      fields.url.value = image?.dataset.src ?? "";
      fields.alt.value = image?.dataset.alt ?? "";
      form.querySelector("[data-remove]").hidden = !image;
    };
    this.open("picture", image ?? this.button("picture"), fill, (fields, refuse) => {
      if (!fields) return this.remove(image);
      const src = imageOf(fields.url.value);
      if (!src) return refuse("url", "Enter an address that begins with https://."), false;
      if (!fields.alt.value.trim()) return refuse("alt", "Say what the picture shows. Many readers see only these words."), false;
      refuse("url", "");
      squire.saveUndoState();
      if (image) picture(src, fields.alt.value.trim(), image);
      else squire.insertElement(picture(src, fields.alt.value.trim()));
    });
  }

  // The form of a chip: a picture, a simple tag, or any tag as it is written.
  change(image) {
    if (image.dataset.src !== undefined) return this.picture(image);
    const { squire } = this.editor;
    const simple = read(image.dataset.tag);
    const fill = (fields, form) => {
      form.querySelector("[data-words]").textContent = image.alt;
      for (const field of form.querySelectorAll("[data-simple]")) field.hidden = !simple;
      form.querySelector("[data-written]").hidden = Boolean(simple);
      fields.other.value = simple?.other ?? "";
      fields.letters.value = simple?.letters ?? "";
      fields.written.value = image.dataset.tag;
      fields[simple ? "other" : "written"].toggleAttribute("data-first", true);
    };
    this.open("tag", image, fill, (fields, refuse) => {
      if (!fields) return this.remove(image);
      const tag = simple ? write({ path: simple.path, other: fields.other.value.trim(), letters: fields.letters.value }) : fields.written.value.trim();
      if (!hasTags(tag)) return refuse("written", "A tag looks like {{ person.first_name }} or {% if person.title %}."), false;
      squire.saveUndoState();
      chip(tag, image);
    });
  }

  remove(image) {
    const { squire } = this.editor;
    squire.saveUndoState();
    const range = document.createRange();
    takeOut(image, range);
    squire.setSelection(range);
  }

  close() {
    const { panel } = this;
    this.panel = null;
    panel?.hidePopover();
    panel?.remove();
  }

  destroy() {
    this.close();
  }
}
