// The page of one batch: dialogs, and a grid that follows the workers without moving under the reader.

const REFRESH_AFTER_MS = 5000;

for (const button of document.querySelectorAll("[data-opens]")) {
  button.addEventListener("click", () => {
    button.closest("details")?.removeAttribute("open");
    document.getElementById(button.dataset.opens).showModal();
  });
}

for (const button of document.querySelectorAll("[data-closes]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

const pictures = document.getElementById("pictures");
let refreshedAt = performance.now();

function refresh() {
  refreshedAt = performance.now();
  window.htmx.trigger(pictures, "refresh");
}

/** Someone who has loaded more, points at a picture or has one focused is asked instead of overrun. */
function isInUse() {
  const grid = pictures.querySelector("[data-grid]");
  return Boolean(grid && (grid.matches(":hover, :focus-within") || grid.dataset.pages));
}

document.body.addEventListener("batch-changed", ({ detail }) => {
  if (isInUse()) pictures.querySelector("[data-grid-refresh]").hidden = false;
  else if (detail.isFinal || performance.now() - refreshedAt > REFRESH_AFTER_MS) refresh();
});

pictures.addEventListener("click", (event) => {
  if (event.target.closest("[data-grid-refresh]")) refresh();
});

pictures.addEventListener("htmx:afterSwap", (event) => {
  const grid = pictures.querySelector("[data-grid]");
  if (grid && event.detail.target !== pictures) grid.dataset.pages = "more";
});
