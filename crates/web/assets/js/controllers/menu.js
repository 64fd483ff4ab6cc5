// Places a popover at its button and moves through it with the arrows.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  connect() {
    this.element.ontoggle = (event) => event.newState === "open" && this.open();
    this.element.addEventListener("turbo:frame-load", () => this.place());
    this.element.onkeydown = (event) => this.move(event);
  }

  get button() {
    return document.querySelector(`[popovertarget="${this.element.id}"]`);
  }

  open() {
    this.element.querySelector("turbo-frame[loading=lazy]")?.setAttribute("loading", "eager");
    this.place();
  }

  place() {
    const at = this.button.getBoundingClientRect();
    const menu = this.element;
    const below = at.bottom + 4 + menu.offsetHeight <= innerHeight;
    menu.style.position = "fixed";
    menu.style.margin = "0";
    menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - 4 - menu.offsetHeight)}px`;
    menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - menu.offsetWidth - 8))}px`;
    menu.querySelector("a, button, input")?.focus();
  }

  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = [...this.element.querySelectorAll("a, button")];
    const here = items.indexOf(document.activeElement);
    items[(here + step + items.length) % items.length]?.focus();
  }
}
