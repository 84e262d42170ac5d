// What every panel of a dashboard offers: its picture and its numbers to take along, and one panel of several shown
// at a time where they answer the same question.

import { pictureOf } from "./dashboard-charts.js";

function save(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

/** Spreadsheets run what begins with one of these; an apostrophe makes it text. Plain numbers stay numbers. */
function safe(text) {
  const isNumber = /^[+-]?[\d.,]+%?$/.test(text);
  const kept = !isNumber && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${kept.replaceAll('"', '""')}"`;
}

export function csvOf(table) {
  const lines = [...table.rows].map((row) => [...row.cells].map((cell) => safe(cell.textContent.trim())).join(","));
  return `\ufeff${lines.join("\r\n")}\r\n`;
}

function fileName(panel, ending) {
  const words = `${document.title.split(" · ")[1] ?? ""} ${panel.querySelector("h2").textContent}`;
  const name = words.trim().toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
  return `${name || "numbers"}.${ending}`;
}

function saveNumbers(panel, table) {
  const address = URL.createObjectURL(new Blob([csvOf(table)], { type: "text/csv;charset=utf-8" }));
  save(address, fileName(panel, "csv"));
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

async function savePicture(panel, chart) {
  save(await pictureOf(chart, panel.querySelector("h2").textContent), fileName(panel, "png"));
}

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

function addTools(panel) {
  const charts = panel.querySelectorAll("[data-chart]");
  const table = panel.querySelector(".numbers table");
  const tools = document.createElement("div");
  tools.className = "panel-tools";
  if (charts.length === 1) tools.append(button("Download picture", () => savePicture(panel, charts[0])));
  if (table) tools.append(button("Download numbers", () => saveNumbers(panel, table)));
  if (tools.children.length) panel.append(tools);
}

function show(panels, tabs, chosen) {
  panels.forEach((panel, place) => (panel.hidden = place !== chosen));
  tabs.forEach((tab, place) => tab.setAttribute("aria-pressed", String(place === chosen)));
  for (const chart of panels[chosen].querySelectorAll(".js-plotly-plot")) window.Plotly.Plots.resize(chart);
}

/** Panels "Defects by images", "Defects by area" … become one with buttons; the chosen one is kept across filters. */
function makeSwitch(box) {
  const panels = [...box.querySelectorAll(".panel")];
  const bar = document.createElement("div");
  bar.className = "switch-bar";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", box.dataset.switch);
  const tabs = panels.map((panel, place) => {
    const words = panel.querySelector("h2").textContent.replace(/^Defects by /, "").replace(/,.*$/, "");
    return button(`By ${words.split(" ")[0]}`, () => {
      makeSwitch.chosen = panel.className;
      show(panels, tabs, place);
    });
  });
  bar.append(...tabs);
  box.prepend(bar);
  show(panels, tabs, Math.max(0, panels.findIndex((panel) => panel.className === makeSwitch.chosen)));
}

export function armPanels(root) {
  for (const panel of root.querySelectorAll(".panel")) addTools(panel);
  for (const box of root.querySelectorAll("[data-switch]")) makeSwitch(box);
}
