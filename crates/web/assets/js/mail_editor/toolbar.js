// The row of formats above the editor: one stop for Tab, arrows within it, each button says whether its format is on.
const formats = { bold: "B", italic: "I", unordered: "UL", ordered: "OL", quote: "BLOCKQUOTE", link: "A" };

export class Toolbar {
  constructor(editor, element) {
    this.editor = editor;
    this.element = element;
    element.hidden = false;
    const { signal } = (this.listening = new AbortController());
    element.addEventListener("click", (event) => this.press(event), { signal });
    element.addEventListener("mousedown", (event) => event.preventDefault(), { signal });
    element.addEventListener("keydown", (event) => this.step(event), { signal });
    element.addEventListener("focusin", (event) => this.rest(event.target), { signal });
    for (const event of ["pathChange", "select", "cursor", "undoStateChange"]) editor.squire.addEventListener(event, (happened) => this.look(happened));
    this.undo = { canUndo: false, canRedo: false };
    this.rest(this.buttons[0]);
    this.look();
  }

  get buttons() {
    return [...this.element.querySelectorAll("button")];
  }

  rest(button) {
    for (const other of this.buttons) other.tabIndex = other === button ? 0 : -1;
  }

  press(event) {
    const button = event.target.closest("button");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    this.editor.do(button.dataset.command);
    if (!["link", "picture"].includes(button.dataset.command) && event.detail > 0) this.editor.focus();
  }

  step(event) {
    const { buttons } = this;
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: (at + 1) % buttons.length, ArrowLeft: (at - 1 + buttons.length) % buttons.length, Home: 0, End: buttons.length - 1 }[event.key];
    if (event.key === "Escape") this.editor.focus();
    if (to === undefined) return;
    event.preventDefault();
    buttons[to].focus();
  }

  look(happened) {
    if (happened?.detail && "canUndo" in happened.detail) this.undo = happened.detail;
    for (const button of this.buttons) {
      const { command } = button.dataset;
      if (formats[command]) button.setAttribute("aria-pressed", this.editor.squire.hasFormat(formats[command]));
      if (command === "undo") button.setAttribute("aria-disabled", !this.undo.canUndo);
      if (command === "redo") button.setAttribute("aria-disabled", !this.undo.canRedo);
    }
  }

  destroy() {
    this.listening.abort();
    this.element.hidden = true;
  }
}
