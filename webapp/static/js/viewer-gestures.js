// Wheel, drag, pinch, double click and keys on a PictureView.

const STEP = 1.25;
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const PAN_CSS_PX = 80;

export function listenToPointers(canvas, view) {
  const pointers = new Map();

  canvas.addEventListener(
    "wheel",
    (event) => {
      if (event.deltaY > 0 && view.isFitted) return;
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      view.zoomBy(Math.exp((-event.deltaY * lines) / 400), event.offsetX, event.offsetY);
    },
    { passive: false },
  );

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    canvas.setPointerCapture(event.pointerId);
  });

  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const after = [event.offsetX, event.offsetY];
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, after);
    if (!other) {
      view.panBy(after[0] - before[0], after[1] - before[1]);
      return;
    }
    const middle = [(after[0] + other[0]) / 2, (after[1] + other[1]) / 2];
    view.zoomBy(distance(after, other) / Math.max(distance(before, other), 1), ...middle);
    view.panBy((after[0] - before[0]) / 2, (after[1] - before[1]) / 2);
  });

  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }

  canvas.addEventListener("dblclick", (event) => {
    if (view.isFitted) view.zoomBy(4, event.offsetX, event.offsetY);
    else view.fit();
  });
}

/** @param {{next: () => void, previous: () => void, toggle: () => void}} actions */
export function listenToKeys(view, actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const arrow = ARROWS[event.key];
    if (arrow && event.shiftKey) view.panBy(arrow[0] * PAN_CSS_PX, arrow[1] * PAN_CSS_PX);
    else if (event.key === "ArrowRight" || event.key === "j") actions.next();
    else if (event.key === "ArrowLeft" || event.key === "k") actions.previous();
    else if (event.key === "+" || event.key === "=") view.zoomBy(STEP);
    else if (event.key === "-" || event.key === "_") view.zoomBy(1 / STEP);
    else if (event.key === "0") view.fit();
    else if (event.key === "o") actions.toggle();
    else return;
    event.preventDefault();
  });
}

/** Arrow keys belong to a slider, a select and a text field while they have the focus. */
function isTyping(target) {
  return target.matches?.("input:not([type=checkbox]), select, textarea, [contenteditable]");
}

function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
