// The page of one training: curves and pictures follow the worker without moving under the reader.

import { drawAll } from "./dashboard-charts.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Draws what there is to draw: nothing before the first epoch, and no loss for a method that has none. */
function draw() {
  const charts = document.querySelector("[data-charts]");
  if (!document.getElementById("figure-iou")) return;
  charts.hidden = false;
  for (const card of charts.children) {
    card.hidden = !document.getElementById(card.querySelector("[data-chart]").dataset.chart);
    if (!card.hidden) drawAll(card);
  }
}

function showEpoch(previews, number) {
  previews.querySelector("[data-epoch]").textContent = number;
  for (const picture of previews.querySelectorAll("[data-base]")) {
    const address = `${picture.dataset.base}${number}`;
    if (picture.getAttribute("src") !== address) picture.src = address;
  }
}

/** Whoever looks at an earlier epoch keeps it; the slider only learns that there are more. */
function isLookingBack(previews) {
  const slider = previews.querySelector("[data-slider]");
  return slider !== null && slider.value !== slider.max;
}

document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  if (target.id !== "training-previews" || !isLookingBack(target)) return;
  const last = fragment.querySelector("[data-slider]")?.max;
  if (!last) return;
  event.detail.shouldSwap = false;
  target.querySelector("[data-slider]").max = last;
  target.querySelector("[data-last]").textContent = last;
});

document.body.addEventListener("htmx:afterSwap", draw);

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-slider]")) showEpoch(event.target.closest("[data-previews]"), event.target.value);
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  if (event.target.closest("[data-closes]") || event.target.matches("dialog")) {
    event.target.closest("dialog").close();
  }
});

dark.addEventListener("change", draw);
if (window.Plotly) draw();
else window.addEventListener("load", draw);
