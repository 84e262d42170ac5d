// Grids of pictures: a switch between pictures with and without their masks, remembered on this device.

const STORED = "pixelwise.grid.overlay";

function isOverlayOn() {
  return localStorage.getItem(STORED) !== "off";
}

function show(grid) {
  const name = isOverlayOn() ? "overlay" : "plain";
  for (const image of grid.querySelectorAll("img[data-overlay]")) {
    const wanted = image.dataset[name];
    if (image.getAttribute("src") !== wanted) image.src = wanted;
  }
}

function showAll() {
  for (const grid of document.querySelectorAll("[data-grid]")) show(grid);
}

function listenTo(toggle) {
  toggle.checked = isOverlayOn();
  toggle.addEventListener("change", () => {
    localStorage.setItem(STORED, toggle.checked ? "on" : "off");
    showAll();
  });
}

for (const toggle of document.querySelectorAll("[data-grid-overlay]")) listenTo(toggle);
showAll();
document.body.addEventListener("htmx:afterSettle", showAll);
