// A value becomes its form where it stands: the field takes the focus, Esc leaves, and after saving the page draws
// itself anew so that what follows from the value (head, sequences, history) is seen too.
import { Controller } from "@hotwired/stimulus";
import { visit } from "@hotwired/turbo";

export default class extends Controller {
  connect() {
    this.element.onkeydown = (event) => this.leave(event);
    this.element.addEventListener("turbo:frame-render", (event) => this.focus(event.target));
    this.element.addEventListener("turbo:submit-end", (event) => this.saved(event));
  }

  leave(event) {
    const cancel = event.key === "Escape" && event.target.closest(".in-place-form")?.querySelector(".cancel");
    if (!cancel) return;
    event.preventDefault();
    event.stopPropagation();
    cancel.click();
  }

  focus(frame) {
    const field = frame.querySelector("[aria-invalid=true], [autofocus], .in-place-form :is(input:not([type=hidden]), select, textarea)");
    (field ?? frame.querySelector(".fact-edit"))?.focus({ preventScroll: true });
    if (field?.select && field.type !== "date") field.select();
  }

  saved(event) {
    if (!event.detail.success) return;
    document.addEventListener("turbo:frame-load", () => visit(location.href, { action: "replace" }), { once: true });
  }
}
