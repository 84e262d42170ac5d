// What-if without page reloads: a slider or a field is moved, and the numbers of that rule take the others' place.
// Without this script the form is a plain one with a button.

import { drawAll, removeAll } from "./dashboard-charts.js";

const PAUSE_MS = 60;
let timer = 0;
let newest = 0;

function addressOf(form) {
  const given = [...new FormData(form)].filter(([, value]) => value !== "");
  const query = new URLSearchParams(given).toString();
  return new URL(query ? `?${query}` : form.getAttribute("action"), form.action).href;
}

async function show(form) {
  const mine = ++newest;
  const address = addressOf(form);
  let next;
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (mine !== newest) return;
    next = page.getElementById("what-if-result");
    if (!next) throw new Error(`${address} gave no result`);
  } catch {
    if (mine === newest) window.location.assign(address);
    return;
  }
  history.replaceState(null, "", address);
  const current = document.getElementById("what-if-result");
  const isOpen = current.querySelector("details[open]") !== null;
  removeAll(current);
  const placed = document.importNode(next, true);
  current.replaceWith(placed);
  if (isOpen) placed.querySelector("details.numbers")?.setAttribute("open", "");
  drawAll(placed);
}

/** Slider → px. On the logarithmic scale 0 is 1 px and 1000 the largest region found. */
function valueOf(slider, largest) {
  if (slider.dataset.scale !== "log") return Number(slider.value);
  return Math.max(1, Math.round(Math.max(largest, 2) ** (slider.value / 1000)));
}

function placeOf(slider, value, largest) {
  if (slider.dataset.scale !== "log") return value;
  return Math.round((1000 * Math.log(Math.max(value, 1))) / Math.log(Math.max(largest, 2)));
}

function arm() {
  const form = document.querySelector("[data-what-if]:not([data-armed])");
  if (!form) return;
  form.dataset.armed = "";
  form.querySelector("[data-try]").hidden = true;
  const largest = Number(form.dataset.largest);
  for (const slider of form.querySelectorAll("[data-slides]")) {
    const field = document.getElementById(slider.dataset.slides);
    slider.hidden = false;
    const tell = () => slider.setAttribute("aria-valuetext", field.value || field.placeholder);
    tell();
    slider.addEventListener("input", () => {
      field.value = valueOf(slider, largest);
      tell();
    });
    field.addEventListener("input", () => {
      slider.value = placeOf(slider, Number(field.value || field.placeholder), largest);
      tell();
    });
  }
  form.addEventListener("input", () => {
    clearTimeout(timer);
    if (form.checkValidity()) timer = setTimeout(() => show(form), PAUSE_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(form);
  });
}

// The filters replace the whole dashboard, this form with it.
new MutationObserver(arm).observe(document.getElementById("content"), { childList: true, subtree: true });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  const result = document.getElementById("what-if-result");
  if (result) drawAll(result);
});
arm();
