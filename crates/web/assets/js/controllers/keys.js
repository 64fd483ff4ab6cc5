// Keys of the lists and pages: j k x Enter on rows, ? for help, and any element with data-key.
// They rest while one types, while a dialog is open, and with Ctrl, Alt or Meta.
import { Controller } from "@hotwired/stimulus";

const typing = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";

export default class extends Controller {
  connect() {
    this.pressed = (event) => this.press(event);
    document.addEventListener("keydown", this.pressed);
  }

  disconnect() {
    document.removeEventListener("keydown", this.pressed);
  }

  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (event.target.closest(typing) || document.querySelector("dialog[open], [popover]:popover-open")) return;
    const act = { j: () => this.move(1), k: () => this.move(-1), x: () => this.check(), X: () => this.range(), "?": () => this.help() }[event.key];
    if (event.key === "Enter" && event.target.closest("a, button, summary, input")) return;
    const done = act ? act() : event.key === "Enter" ? this.enter() : this.click(event.key);
    if (done !== false) event.preventDefault();
  }

  get rows() {
    return [...document.querySelectorAll("[data-row]")];
  }

  get row() {
    return document.querySelector("[data-row][data-here]");
  }

  move(step) {
    const rows = this.rows;
    if (!rows.length) return this.click(step > 0 ? "j" : "k");
    const next = rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(this.row) + step))] ?? rows[0];
    this.row?.removeAttribute("data-here");
    next.setAttribute("data-here", "");
    (next.querySelector("a") ?? next).focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    next.dispatchEvent(new CustomEvent("keys:here", { bubbles: true }));
  }

  check() {
    const box = this.row?.querySelector("input[type=checkbox]");
    if (!box) return this.click("x");
    box.click();
  }

  range() {
    const box = this.row?.querySelector("input[type=checkbox]");
    const list = box?.closest("[data-controller~=selection]");
    const selection = list && this.application.getControllerForElementAndIdentifier(list, "selection");
    if (!selection) return this.click("X");
    selection.range(box);
  }

  enter() {
    const link = this.row?.querySelector("a");
    if (!link) return false;
    link.click();
  }

  // A key of the row of the cursor comes before one of the page.
  click(key) {
    if (key.length !== 1) return false;
    // What is in a menu is there while the button of the menu is.
    const shown = (element) => (element.closest("[popover]")?.previousElementSibling ?? element).offsetParent !== null && !element.disabled;
    const ofRow = this.row?.querySelector(`[data-row-key="${CSS.escape(key)}"]`);
    if (ofRow && shown(ofRow)) return ofRow.click();
    const found = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(shown);
    if (!found) return false;
    found.focus();
    if (!found.matches(typing)) found.click();
  }

  help() {
    const dialog = this.application.getControllerForElementAndIdentifier(this.element, "dialog");
    dialog?.show(document.getElementById("keys-help"));
  }
}
