// A picture on a canvas that can be zoomed and moved. Positions are in pixels of the picture.

const LARGEST_SCALE = 32;
const CRISP_FROM_SCALE = 3;
const FRAME_PX = 3;
const ROOM_PX = 24;

export class PictureView {
  opacity = 0.5;

  #canvas;
  #context;
  #width;
  #height;
  #picture = null;
  #overlay = null;
  #outline = null;
  #scale = 1;
  #x = 0;
  #y = 0;
  #isFitted = true;
  #frame = 0;
  #onScale;

  /**
   * @param {HTMLCanvasElement} canvas its size follows its box on the page
   * @param {{width: number, height: number}} size of the picture, whatever the size of what is drawn for it
   * @param {(state: {percent: number, isFitted: boolean}) => void} onScale
   */
  constructor(canvas, { width, height }, onScale) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#width = width;
    this.#height = height;
    this.#onScale = onScale;
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  /** What to draw as the picture: anything drawImage takes, stretched over the picture's size. */
  setPicture(source) {
    this.#picture = source;
    this.draw();
  }

  /** @param {HTMLCanvasElement|null} source drawn over the picture with `opacity` */
  setOverlay(source) {
    this.#overlay = source;
    this.draw();
  }

  get isFitted() {
    return this.#isFitted;
  }

  /** The whole picture, as large as it goes. */
  fit() {
    this.#scale = this.#fitScale;
    this.#x = (this.#canvas.width - this.#width * this.#scale) / 2;
    this.#y = (this.#canvas.height - this.#height * this.#scale) / 2;
    this.#isFitted = true;
    this.#changed();
  }

  /** Zoom about a point of the canvas, in CSS pixels; its middle where none is given. */
  zoomBy(factor, cssX = this.#canvas.clientWidth / 2, cssY = this.#canvas.clientHeight / 2) {
    const [x, y] = [cssX * this.#ratio, cssY * this.#ratio];
    const smallest = this.#fitScale;
    const scale = Math.min(Math.max(this.#scale * factor, smallest), Math.max(LARGEST_SCALE, smallest));
    if (scale <= smallest * 1.001) {
      this.fit();
      return;
    }
    this.#x = x - ((x - this.#x) * scale) / this.#scale;
    this.#y = y - ((y - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.#isFitted = false;
    this.#changed();
  }

  /** Move by CSS pixels. */
  panBy(cssX, cssY) {
    if (this.#isFitted) return;
    this.#x += cssX * this.#ratio;
    this.#y += cssY * this.#ratio;
    this.#changed();
  }

  /** Zoom to a rectangle with room around it, and outline it. */
  show({ x, y, width, height }) {
    const room = Math.max(width, height) * 0.6 + ROOM_PX;
    const wanted = Math.min(this.#canvas.width / (width + room), this.#canvas.height / (height + room));
    this.#scale = Math.min(Math.max(wanted, this.#fitScale), LARGEST_SCALE / 2);
    this.#x = this.#canvas.width / 2 - (x + width / 2) * this.#scale;
    this.#y = this.#canvas.height / 2 - (y + height / 2) * this.#scale;
    this.#isFitted = this.#scale <= this.#fitScale;
    this.#outline = { x, y, width, height };
    this.#changed();
  }

  clearOutline() {
    this.#outline = null;
    this.draw();
  }

  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawNow();
    });
  }

  get #ratio() {
    return this.#canvas.width / Math.max(this.#canvas.clientWidth, 1);
  }

  get #fitScale() {
    return Math.min(this.#canvas.width / this.#width, this.#canvas.height / this.#height);
  }

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(this.#canvas.clientWidth * ratio);
    const height = Math.round(this.#canvas.clientHeight * ratio);
    if (!width || !height || (width === this.#canvas.width && height === this.#canvas.height)) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    if (this.#isFitted) this.fit();
    else this.#changed();
  }

  #changed() {
    this.#keepInSight();
    this.#onScale({ percent: (this.#scale / this.#ratio) * 100, isFitted: this.#isFitted });
    this.draw();
  }

  /** A picture smaller than the canvas stays in the middle; a larger one leaves no gap at its edges. */
  #keepInSight() {
    this.#x = within(this.#x, this.#canvas.width, this.#width * this.#scale);
    this.#y = within(this.#y, this.#canvas.height, this.#height * this.#scale);
  }

  #drawNow() {
    const context = this.#context;
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    const box = [this.#x, this.#y, this.#width * this.#scale, this.#height * this.#scale];
    context.imageSmoothingQuality = "high";
    context.imageSmoothingEnabled = this.#scale < CRISP_FROM_SCALE;
    if (this.#picture) context.drawImage(this.#picture, ...box);
    if (this.#overlay && this.opacity > 0) {
      context.globalAlpha = this.opacity;
      context.imageSmoothingEnabled = this.#scale < 1;
      context.drawImage(this.#overlay, ...box);
      context.globalAlpha = 1;
    }
    if (this.#outline) this.#drawOutline(this.#outline);
  }

  /** Two strokes, dark under light, to be seen on any picture. */
  #drawOutline({ x, y, width, height }) {
    const gap = FRAME_PX * this.#ratio;
    const box = [
      this.#x + x * this.#scale - gap,
      this.#y + y * this.#scale - gap,
      width * this.#scale + 2 * gap,
      height * this.#scale + 2 * gap,
    ];
    for (const [color, lineWidth] of [["#000", 4], ["#fff", 2]]) {
      this.#context.strokeStyle = color;
      this.#context.lineWidth = lineWidth * this.#ratio;
      this.#context.strokeRect(...box);
    }
  }
}

function within(position, room, size) {
  if (size <= room) return (room - size) / 2;
  return Math.min(0, Math.max(room - size, position));
}
