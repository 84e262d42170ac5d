// The image page: the picture, its mask over it, and what the mask says.

import { listenToKeys, listenToPointers } from "./viewer-gestures.js";
import { drawnSize, loadMask, paintMask } from "./viewer-mask.js";
import { PictureView } from "./viewer-view.js";

const STORED_OPACITY = "pixelwise.viewer.opacity";
const STORED_HIDDEN = "pixelwise.viewer.hidden";

class Viewer {
  #root;
  #facts;
  #view;
  #mask = null;
  #overlay = document.createElement("canvas");
  #isOverlayOn = true;

  constructor(root, facts) {
    this.#root = root;
    this.#facts = facts;
    const canvas = this.#part("canvas");
    canvas.style.setProperty("--aspect", `${facts.width} / ${facts.height}`);
    this.#view = new PictureView(canvas, facts, ({ percent, isFitted }) => {
      this.#part("percent").textContent = `${Math.round(percent)}%`;
      canvas.toggleAttribute("data-zoomed", !isFitted);
    });
    listenToPointers(canvas, this.#view);
    listenToKeys(this.#view, {
      next: () => this.#follow("next"),
      previous: () => this.#follow("prev"),
      toggle: () => this.#part("overlay")?.click(),
    });
    this.#listenToButtons();
    this.#listenToLabels();
    this.#listenToRegions();
  }

  async load() {
    const { thumbnail, picture, mask, width, height } = this.#facts;
    let hasPicture = false;
    const preview = loadPicture(thumbnail, drawnSize(width, height)).then(
      (image) => hasPicture || this.#view.setPicture(image),
      () => {},
    );
    const parts = [
      loadPicture(picture, drawnSize(width, height)).then((image) => {
        hasPicture = true;
        this.#view.setPicture(image);
      }),
    ];
    if (mask) {
      parts.push(
        loadMask(mask, width, height).then((loaded) => {
          this.#mask = loaded;
          this.#paint();
        }),
      );
    }
    const [pictureResult, maskResult] = await Promise.allSettled(parts);
    await preview;
    if (pictureResult.status === "rejected") this.#alert("The image could not be loaded. Reload the page to try again.");
    else if (maskResult?.status === "rejected") this.#alert("The mask could not be loaded. Reload the page to try again.");
    this.#root.dataset.state = "loaded";
  }

  #part(name) {
    return this.#root.querySelector(`[data-viewer=${name}]`);
  }

  #alert(words) {
    const alert = this.#part("alert");
    alert.textContent = words;
    alert.hidden = false;
  }

  #follow(direction) {
    document.querySelector(`a[rel=${direction}]`)?.click();
  }

  #listenToButtons() {
    this.#part("in").addEventListener("click", () => this.#view.zoomBy(1.5));
    this.#part("out").addEventListener("click", () => this.#view.zoomBy(1 / 1.5));
    this.#part("fit").addEventListener("click", () => {
      this.#view.clearOutline();
      this.#view.fit();
    });
    const opacity = this.#part("opacity");
    if (!opacity) return;
    opacity.value = localStorage.getItem(STORED_OPACITY) ?? opacity.value;
    const set = () => {
      this.#view.opacity = this.#isOverlayOn ? Number(opacity.value) / 100 : 0;
      this.#part("opacity-words").textContent = `${opacity.value}%`;
      this.#view.draw();
    };
    opacity.addEventListener("input", () => {
      localStorage.setItem(STORED_OPACITY, opacity.value);
      set();
    });
    const overlay = this.#part("overlay");
    overlay.addEventListener("change", () => {
      this.#isOverlayOn = overlay.checked;
      set();
    });
    set();
  }

  get #toggles() {
    return [...this.#root.querySelectorAll("[data-viewer=label]")];
  }

  #listenToLabels() {
    const hidden = stored(STORED_HIDDEN);
    for (const toggle of this.#toggles) {
      if (toggle.dataset.name in hidden) toggle.checked = !hidden[toggle.dataset.name];
      toggle.addEventListener("change", () => {
        const now = stored(STORED_HIDDEN);
        now[toggle.dataset.name] = !toggle.checked;
        sessionStorage.setItem(STORED_HIDDEN, JSON.stringify(now));
        this.#paint();
      });
    }
  }

  #paint() {
    if (!this.#mask) return;
    const colors = new Map(
      this.#toggles.filter((one) => one.checked).map((one) => [Number(one.value), one.dataset.color]),
    );
    this.#view.setOverlay(paintMask(this.#mask, colors, this.#overlay));
  }

  #listenToRegions() {
    for (const button of this.#root.querySelectorAll("[data-viewer=region]")) {
      button.addEventListener("click", () => {
        for (const row of this.#root.querySelectorAll("tr[data-chosen]")) delete row.dataset.chosen;
        button.closest("tr").dataset.chosen = "";
        const [x, y, width, height] = button.dataset.box.split(" ").map(Number);
        this.#view.show({ x, y, width, height });
        this.#part("canvas").scrollIntoView({ block: "nearest" });
      });
    }
  }
}

function stored(key) {
  return JSON.parse(sessionStorage.getItem(key) ?? "{}");
}

async function loadPicture(url, { width, height }) {
  const image = new Image();
  image.decoding = "async";
  image.src = url;
  await image.decode();
  if (image.naturalWidth <= width && image.naturalHeight <= height) return image;
  return createImageBitmap(image, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
}

const root = document.querySelector("[data-viewer=root]");
if (root) {
  const viewer = new Viewer(root, JSON.parse(document.getElementById("viewer-facts").textContent));
  viewer.load();
}
