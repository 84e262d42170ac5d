// The dashboard without page reloads: filters take effect when changed, the address keeps them, and while
// images are being segmented the numbers grow. Without this script the filter bar is a plain form.

import { drawAll, removeAll } from "./dashboard-charts.js";
import { armPanels } from "./dashboard-panels.js";

const REFRESH_MS = 10_000;
const UNTOUCHED_MS = 15_000;
const dark = matchMedia("(prefers-color-scheme: dark)");
let newest = 0;
let touchedAt = 0;

const dashboard = () => document.getElementById("dashboard");
const status = (text) => (document.getElementById("dashboard-status").textContent = text);

/** Put the dashboard of `address` in place of this one; the whole page where it is not a dashboard. */
async function show(address, { quiet = false } = {}) {
  const mine = ++newest;
  const current = dashboard();
  if (!quiet) current.setAttribute("aria-busy", "true");
  let next;
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    next = page.getElementById("dashboard");
    if (mine !== newest) return;
    if (!next) throw new Error(`${address} gave no dashboard`);
  } catch {
    if (mine !== newest) return;
    if (!quiet) window.location.assign(address);
    return;
  }
  replace(current, document.importNode(next, true));
  if (!quiet) status("The numbers are up to date.");
}

function replace(current, next) {
  const focused = document.activeElement?.id;
  const isUnfolded = current.querySelector(".filter-more")?.open;
  const open = [...current.querySelectorAll(".panel details[open]")].map((item) => item.closest(".panel").classList[2]);
  removeAll(current);
  current.replaceWith(next);
  for (const panel of open) next.querySelector(`.${panel} details`)?.setAttribute("open", "");
  if (isUnfolded) next.querySelector(".filter-more")?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  arm(next);
}

function go(address) {
  if (address === window.location.href) return;
  history.pushState(null, "", address);
  show(address);
}

/** The form's address with empty fields left out. */
function addressOf(form) {
  const given = [...new FormData(form)].filter(([, value]) => value !== "");
  const query = new URLSearchParams(given).toString();
  return new URL(query ? `?${query}` : form.getAttribute("action"), form.action).href;
}

function showCurrentTab(root) {
  const tabs = root.querySelector(".dashboard-tabs");
  const current = tabs.querySelector("[aria-current]");
  if (current) tabs.scrollLeft = current.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
}

function arm(root) {
  showCurrentTab(root);
  drawAll(root);
  armPanels(root);
  document.dispatchEvent(new CustomEvent("dashboard:shown"));
  const form = root.querySelector("[data-filters]");
  if (!form) return;
  form.classList.add("is-live");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(addressOf(form));
  });
  form.addEventListener("change", (event) => {
    // A date being typed is incomplete, or has a year like 0002, until its last digit.
    if (event.target.type === "date" && !event.target.validity.valid) return;
    go(addressOf(form));
  });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-swap]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.href);
});

window.addEventListener("popstate", () => show(window.location.href));
dark.addEventListener("change", () => drawAll(dashboard()));
for (const kind of ["pointerdown", "pointermove", "keydown"]) {
  document.addEventListener(kind, () => (touchedAt = Date.now()), { passive: true });
}
setInterval(() => {
  const isInUse = document.hidden || Date.now() - touchedAt < UNTOUCHED_MS;
  if (!isInUse && "inProgress" in dashboard().dataset) show(window.location.href, { quiet: true });
}, REFRESH_MS);

arm(dashboard());
