// The lines and curves of experiments over each other, drawn from the addresses that the page links.
import { Figure } from "../charts/figures.js";

for (const element of document.querySelectorAll("figure.chart")) new Figure(element).refresh();
