// What is under the pointer or the focus, in words beside it; a screen reader says it too.

import { make } from "./html.js";

export class Tip {
  constructor(place) {
    this.element = make("div", { class: "tip", role: "status" });
    this.place = place;
    place.append(this.element);
  }

  // Show a title and lines near a point (x, y) of the chart.
  show(x, y, title, lines) {
    const told = [make("strong", {}, title), ...lines.map((line) => (line instanceof Node ? line : make("span", {}, line)))];
    this.element.replaceChildren(...told);
    this.element.classList.add("shown");
    const { offsetWidth: wide, offsetHeight: high } = this.element;
    const from = this.place.getBoundingClientRect().left;
    const most = document.documentElement.clientWidth - from - wide - 4; // within the window, wherever the chart is in it
    const left = x + 14 > most ? x - 14 - wide : x + 14;
    this.element.style.left = `${Math.max(4 - from, Math.min(left, most))}px`;
    this.element.style.top = `${y - high - 8 < 0 ? y + 18 : y - high - 8}px`;
  }

  hide() {
    this.element.classList.remove("shown");
    this.element.replaceChildren();
  }
}
