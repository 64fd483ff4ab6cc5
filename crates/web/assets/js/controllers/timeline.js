// The time line of a sequence as its editor: a step is dragged by its grip, or moved with Alt and the arrow keys; opening
// another step saves what was typed in this one. Without scripts the buttons of each step do the same.
import { Controller } from "@hotwired/stimulus";

const remembered = "relance.focus-step";

export default class extends Controller {
  static targets = ["row", "up", "down", "end"];
  static values = { form: String };

  connect() {
    const { signal } = (this.listening = new AbortController());
    this.element.addEventListener("keydown", (event) => this.key(event), { signal });
    for (const name of ["dragstart", "dragover", "dragleave", "drop", "dragend"]) {
      this.element.addEventListener(name, (event) => this[name](event), { signal });
    }
    const step = sessionStorage.getItem(remembered);
    sessionStorage.removeItem(remembered);
    if (step) document.getElementById(`card-${step}`)?.focus();
    this.form?.addEventListener("input", () => (this.changed = true), { signal });
  }

  disconnect() {
    this.listening.abort();
  }

  get form() {
    return document.getElementById(this.formValue);
  }

  rowOf(event) {
    return event.target.closest?.("[data-step]");
  }

  key(event) {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const row = this.rowOf(event);
    if (!row) return;
    event.preventDefault();
    const button = row.querySelector(`[data-timeline-target=${event.key === "ArrowUp" ? "up" : "down"}]`);
    if (!button || button.disabled) return;
    sessionStorage.setItem(remembered, row.dataset.step);
    button.click();
  }

  open(event) {
    if (!this.changed || !this.form || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.send(this.form.action, { open: this.rowOf(event).dataset.step });
  }

  // Everything that is typed goes along, so that moving a step never loses it.
  send(action, fields) {
    const added = Object.entries(fields).map(([name, value]) => {
      const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
      this.form.append(field);
      return field;
    });
    const button = Object.assign(document.createElement("button"), { type: "submit", hidden: true, formNoValidate: true });
    button.setAttribute("formaction", action);
    this.form.append(button);
    this.form.requestSubmit(button);
    [...added, button].forEach((node) => node.remove());
  }

  dragstart(event) {
    const row = this.rowOf(event);
    if (!row) return;
    this.dragged = row;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", row.dataset.step);
    event.dataTransfer.setDragImage(row, 24, 24);
    row.classList.add("dragged");
  }

  // The step before which the dragged one would stand; "" = the end.
  placeAt(y) {
    for (const row of this.rowTargets) {
      const { top, height } = row.getBoundingClientRect();
      if (row !== this.dragged && y < top + height / 2) return row.dataset.step;
    }
    return "";
  }

  dragover(event) {
    if (!this.dragged) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    const before = this.placeAt(event.clientY);
    this.mark(before);
  }

  mark(before) {
    this.endTarget.hidden = before !== "" || before === undefined;
    this.element.querySelectorAll(".drop-here").forEach((row) => row.classList.remove("drop-here"));
    if (before === undefined) return;
    this.element.querySelector(`[data-before="${CSS.escape(before)}"]`)?.classList.add("drop-here");
  }

  dragleave(event) {
    if (!this.element.contains(event.relatedTarget)) this.mark(undefined);
  }

  drop(event) {
    if (!this.dragged) return;
    event.preventDefault();
    const { step, move } = this.dragged.dataset;
    const before = this.placeAt(event.clientY);
    this.dragend();
    if (before === step) return;
    sessionStorage.setItem(remembered, step);
    this.send(move, { direction: "place", before });
  }

  dragend() {
    this.mark(undefined);
    this.dragged?.classList.remove("dragged");
    this.dragged = undefined;
  }
}
