// Puts a merge tag at the cursor of the field that was used last.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["field"];

  connect() {
    this.element.addEventListener("focusin", (event) => {
      if (this.fieldTargets.includes(event.target)) this.last = event.target;
    });
  }

  insert({ params: { text } }) {
    const asked = new CustomEvent("insert:text", { detail: { text, field: this.last }, bubbles: true, cancelable: true });
    if (!this.element.dispatchEvent(asked)) return document.querySelectorAll("[popover]:popover-open").forEach((open) => open.hidePopover());
    const field = this.last ?? this.fieldTargets.at(-1);
    if (!field) return;
    field.closest("details")?.setAttribute("open", "");
    document.querySelectorAll("[popover]:popover-open").forEach((open) => open.hidePopover());
    field.focus();
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
