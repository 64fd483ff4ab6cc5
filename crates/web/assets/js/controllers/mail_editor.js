// Writes the text of an email as it will look. The editor itself is loaded only where it is needed; without it, or when
// the text has what it cannot keep, the field of the form stays as it is.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["format", "field", "label", "toolbar", "panel", "richer", "hint", "files"];
  static values = { tags: String };

  connect() {
    this.format = this.wanted;
    document.addEventListener("turbo:morph", (this.again = () => this.restart()));
    document.addEventListener("turbo:before-cache", (this.rest = () => this.close()));
    this.open();
    this.takeFiles();
  }

  async takeFiles() {
    this.taking = new AbortController();
    const { attach } = await import("mail_editor/attach");
    if (this.hasFilesTarget) attach(this.filesTarget, this.taking);
  }

  disconnect() {
    this.taking.abort();
    document.removeEventListener("turbo:morph", this.again);
    document.removeEventListener("turbo:before-cache", this.rest);
    this.close();
  }

  // What has no plain form, as a signature, is always formatted.
  get wanted() {
    return this.hasFormatTarget ? this.formatTarget.value : "html";
  }

  restart() {
    this.close();
    this.format = this.wanted;
    this.open();
  }

  async open(anyway = false) {
    if (this.wanted !== "html" || this.editor) return;
    try {
      const [{ default: Editor }, { isRicher }] = await Promise.all([import("mail_editor/editor"), import("mail_editor/clean")]);
      if (!this.element.isConnected || this.editor || this.wanted !== "html") return;
      const richer = !anyway && isRicher(this.fieldTarget.value);
      this.richerTarget.hidden = !richer;
      if (!richer) this.editor = new Editor(this);
    } catch (error) {
      console.warn("The editor could not be loaded; the text can be written as HTML.", error);
    }
  }

  openAnyway() {
    this.open(true).then(() => this.editor?.focus());
  }

  close() {
    this.editor?.destroy();
    this.editor = null;
  }

  // Between plain and formatted text; the words stay.
  async switch() {
    const { toText, fromText } = await import("mail_editor/source");
    const to = this.formatTarget.value;
    if (to === this.format) return;
    if (to === "text") {
      const plain = this.editor ? toText(this.editor.surface) : this.fieldTarget.value;
      if (this.editor?.isFormatted() && !confirm("Make this plain text? Bold, links and pictures become words.")) {
        this.formatTarget.value = this.format;
        return;
      }
      this.close();
      this.richerTarget.hidden = true;
      this.fieldTarget.value = plain;
    } else {
      this.fieldTarget.value = fromText(this.fieldTarget.value);
      await this.open();
    }
    this.format = to;
    this.fieldTarget.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // A tag of the list goes where the cursor is, if that is in the editor.
  insert(event) {
    if (!this.editor || (event.detail.field && event.detail.field !== this.editor.surface)) return;
    event.preventDefault();
    this.editor.insertTags(event.detail.text);
  }
}
