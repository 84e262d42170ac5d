// Draws the figures of pages that are no dashboard, again when the theme changes or a fragment is put in.

import { drawAll } from "./dashboard-charts.js";

const draw = () => drawAll(document.body);

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
document.body.addEventListener("htmx:afterSettle", draw);
draw();
