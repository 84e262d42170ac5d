// A zone drawn corner by corner over a picture; the four numbers of a rectangle are shown as they are typed.

const SVG = "http://www.w3.org/2000/svg";
const SIDES = ["left", "top", "width", "height"];

class Drawing {
  #svg;
  #form;
  #corners = [];

  constructor(stage, form) {
    this.#svg = stage.querySelector("svg");
    this.#form = form;
    for (const hidden of document.querySelectorAll("[data-zones-hint], [data-zones-drawn]")) hidden.hidden = false;
    if (stage.querySelector("img")) {
      stage.dataset.drawable = "";
      this.#svg.addEventListener("pointerdown", (event) => this.#add(event));
    }
    form.querySelector("[data-zones-back]").addEventListener("click", () => this.#back());
    form.addEventListener("input", (event) => {
      if (SIDES.includes(event.target.name)) this.#fromNumbers();
    });
    document.addEventListener("keydown", (event) => {
      const isTyping = event.target.closest("input, textarea, select");
      if (event.key === "Backspace" && !isTyping && this.#corners.length) {
        event.preventDefault();
        this.#back();
      }
    });
    this.#restore();
  }

  /** What was drawn before the server found something to say. */
  #restore() {
    try {
      this.#corners = JSON.parse(this.#form.elements.corners.value || "[]");
    } catch {
      this.#corners = [];
    }
    if (this.#corners.length) this.#draw();
    else this.#fromNumbers();
  }

  #add(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const box = this.#svg.getBoundingClientRect();
    const within = (value) => Math.min(1, Math.max(0, value));
    this.#corners.push([within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)]);
    for (const side of SIDES) this.#form.elements[side].value = "";
    this.#draw();
  }

  #back() {
    this.#corners.pop();
    this.#draw();
  }

  #fromNumbers() {
    const sides = SIDES.map((side) => this.#form.elements[side].valueAsNumber / 100);
    this.#corners = [];
    this.#draw();
    if (sides.some((side) => !Number.isFinite(side))) return;
    const [left, top, width, height] = sides;
    this.#outline([[left, top], [left + width, top], [left + width, top + height], [left, top + height]]);
  }

  #draw() {
    this.#outline(this.#corners);
    const dots = this.#svg.querySelector("[data-zones-corners]");
    const { width, height } = this.#svg.dataset;
    dots.replaceChildren(
      ...this.#corners.map(([x, y]) => {
        const dot = document.createElementNS(SVG, "circle");
        dot.setAttribute("class", "zone-corner");
        dot.setAttribute("cx", x * width);
        dot.setAttribute("cy", y * height);
        dot.setAttribute("r", 7);
        return dot;
      }),
    );
    this.#form.elements.corners.value = this.#corners.length ? JSON.stringify(this.#corners) : "";
    const count = this.#corners.length;
    const words = count === 1 ? "1 corner drawn" : `${count || "No"} ${count ? "corners" : "corner"} drawn${count ? "" : " yet"}`;
    this.#form.querySelector("[data-zones-count]").textContent = words;
    this.#form.querySelector("[data-zones-back]").disabled = !count;
  }

  #outline(corners) {
    const { width, height } = this.#svg.dataset;
    const points = corners.map(([x, y]) => `${x * width},${y * height}`).join(" ");
    this.#svg.querySelector("[data-zones-draft]").setAttribute("points", points);
  }
}

const stage = document.querySelector("[data-zones]");
const form = document.querySelector("[data-zone-form]");
if (stage && form) new Drawing(stage, form);
