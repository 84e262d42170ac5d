// Masks as the workers write them: 8-bit grey PNG, each pixel the index of a label.

/** Browsers refuse or slow down on larger canvases; larger pictures are drawn smaller. */
const MOST_PIXELS = 16_000_000;

/** Size at which a picture of this size is drawn. */
export function drawnSize(width, height) {
  const factor = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
  return { width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) };
}

/**
 * Label index of every pixel. Neither colour profiles nor alpha may touch the values, and a mask that has
 * to be drawn smaller is thinned, never blended: between label 1 and label 3 there is no label 2.
 * @returns {Promise<{width: number, height: number, indices: Uint8Array}>}
 */
export async function loadMask(url, fullWidth, fullHeight) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the mask could not be loaded (${response.status})`);
  const { width, height } = drawnSize(fullWidth, fullHeight);
  const isSmaller = width < fullWidth;
  const bitmap = await createImageBitmap(await response.blob(), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
    ...(isSmaller ? { resizeWidth: width, resizeHeight: height, resizeQuality: "pixelated" } : {}),
  });
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const indices = new Uint8Array(width * height);
  for (let pixel = 0; pixel < indices.length; pixel += 1) indices[pixel] = data[pixel * 4];
  return { width, height, indices };
}

/**
 * Paint the labels of `colors` into a canvas; every other pixel stays clear.
 * @param {Map<number, string>} colors "#rrggbb" by label index
 */
export function paintMask({ width, height, indices }, colors, canvas = document.createElement("canvas")) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const bytes = new Uint8Array(256 * 4);
  for (const [index, color] of colors) bytes.set([...channels(color), 255], index * 4);
  const lookup = new Uint32Array(bytes.buffer);
  const pixels = new Uint32Array(image.data.buffer);
  for (let pixel = 0; pixel < indices.length; pixel += 1) pixels[pixel] = lookup[indices[pixel]];
  context.putImageData(image, 0, 0);
  return canvas;
}

function channels(color) {
  return [1, 3, 5].map((start) => Number.parseInt(color.slice(start, start + 2), 16));
}
