// Narrows the list of merge tags by the words typed above it; Enter takes the first, and what is taken ends the search.
import { Controller } from "@hotwired/stimulus";

const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

export default class extends Controller {
  static targets = ["words", "group", "row", "nothing"];

  connect() {
    this.element.onclick = (event) => event.target.closest("[data-tag-path]") && this.clear();
  }

  clear() {
    this.wordsTarget.value = "";
    this.look();
  }

  look() {
    const wanted = plain(this.wordsTarget.value.trim());
    for (const row of this.rowTargets) row.hidden = !plain(`${row.dataset.tagLabel} ${row.dataset.tagPath}`).includes(wanted);
    for (const group of this.groupTargets) group.hidden = !group.querySelector("button:not([hidden])");
    this.nothingTarget.hidden = this.rowTargets.some((row) => !row.hidden);
  }

  key(event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    this.rowTargets.find((row) => !row.hidden)?.click();
  }
}
