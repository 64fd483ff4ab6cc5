// Check boxes of a table: mixed state of the header box, ranges with shift, the count in the
// bar, and "select all that match", which goes beyond the rows of this page.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["all", "row", "count", "offer", "every", "everyWords"];

  connect() {
    this.offered = this.hasEveryWordsTarget ? this.everyWordsTarget.textContent : "";
    this.show();
  }

  // Rows come and go when the page is morphed.
  rowTargetConnected() {
    this.showSoon();
  }

  rowTargetDisconnected() {
    this.showSoon();
  }

  showSoon() {
    cancelAnimationFrame(this.soon);
    this.soon = requestAnimationFrame(() => this.element.isConnected && this.show());
  }

  toggle(event) {
    this.choose(event.target, event.shiftKey);
  }

  // With shift, everything between the box used last and this one becomes as this one is.
  choose(box, isRange) {
    const rows = this.rowTargets;
    const [last, here] = [rows.indexOf(this.last), rows.indexOf(box)];
    if (isRange && last >= 0) {
      rows.slice(Math.min(last, here), Math.max(last, here) + 1).forEach((row) => (row.checked = box.checked));
    }
    this.last = box;
    if (!box.checked) this.every(false);
    this.show();
  }

  // Shift and x: the row of the cursor, and all between it and the one chosen last.
  range(box) {
    box.checked = !box.checked;
    this.choose(box, true);
  }

  toggleAll(event) {
    this.rowTargets.forEach((row) => (row.checked = event.target.checked));
    if (!event.target.checked) this.every(false);
    this.show();
  }

  everyChanged() {
    if (this.everyTarget.checked) this.rowTargets.forEach((row) => (row.checked = true));
    this.show();
  }

  clear(event) {
    event.preventDefault();
    this.every(false);
    this.rowTargets.forEach((row) => (row.checked = false));
    this.show();
    if (this.hasAllTarget) this.allTarget.focus();
  }

  every(checked) {
    if (this.hasEveryTarget) this.everyTarget.checked = checked;
  }

  show() {
    const chosen = this.rowTargets.filter((row) => row.checked).length;
    this.rowTargets.forEach((row) => row.closest("[data-row]")?.toggleAttribute("data-selected", row.checked));
    if (this.hasAllTarget) {
      this.allTarget.checked = chosen > 0 && chosen === this.rowTargets.length;
      this.allTarget.indeterminate = chosen > 0 && chosen < this.rowTargets.length;
    }
    const every = this.hasEveryTarget && this.everyTarget.checked;
    const total = this.hasEveryTarget ? Number(this.everyTarget.dataset.total) : 0;
    const number = every ? this.everyTarget.dataset.shown || total.toLocaleString("en") : chosen.toLocaleString("en");
    if (this.hasCountTarget) this.countTarget.textContent = `${number} selected`;
    if (this.hasEveryWordsTarget) this.everyWordsTarget.textContent = every ? "Only those on this page" : this.offered;
    if (this.hasOfferTarget) this.offerTarget.hidden = total <= this.rowTargets.length;
  }
}
