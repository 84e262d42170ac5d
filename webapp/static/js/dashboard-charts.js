// Draws the figures of a page with Plotly, in the page's own colours, and opens the images behind a point.

const VARIABLE = /^var\((--[\w-]+)\)$/;
const CONFIG = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };

/** The figure with every "var(--name)" replaced by its colour in the current theme. */
function inTheme(value, style) {
  if (typeof value === "string") {
    const name = value.match(VARIABLE)?.[1];
    return name ? style.getPropertyValue(name).trim() : value;
  }
  if (Array.isArray(value)) return value.map((item) => inTheme(item, style));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inTheme(item, style)]));
}

function open(event, imagesUrl) {
  const query = event.points[0]?.customdata;
  if (query === undefined || query === null) return;
  // "/12/" is one image, anything else a query for many.
  const address = query.startsWith("/") ? imagesUrl + query.slice(1) : query ? `${imagesUrl}?${query}` : imagesUrl;
  const mouse = event.event;
  if (mouse?.ctrlKey || mouse?.metaKey || mouse?.button === 1) window.open(address, "_blank", "noopener");
  else window.location.assign(address);
}

function draw(chart, imagesUrl) {
  const source = document.getElementById(chart.dataset.chart);
  const figure = inTheme(JSON.parse(source.textContent), getComputedStyle(document.documentElement));
  const isNew = !chart.classList.contains("js-plotly-plot");
  window.Plotly.react(chart, figure.data, figure.layout, CONFIG);
  if (!isNew) return;
  chart.on("plotly_click", (event) => open(event, imagesUrl));
  chart.on("plotly_hover", () => chart.classList.add("is-over-point"));
  chart.on("plotly_unhover", () => chart.classList.remove("is-over-point"));
}

export function drawAll(root) {
  if (!window.Plotly) return;
  for (const chart of root.querySelectorAll("[data-chart]")) draw(chart, root.dataset.imagesUrl);
}

/** A PNG of a drawn figure as a data address: on the page's own ground, with its title, twice as fine as shown. */
export function pictureOf(chart, title) {
  const style = getComputedStyle(document.documentElement);
  const ground = style.getPropertyValue("--surface").trim();
  const { width, height } = chart.getBoundingClientRect();
  const margin = { ...chart.layout.margin, t: (chart.layout.margin?.t ?? 0) + 36 };
  const heading = { text: title, x: 0.02, xanchor: "left", font: { size: 15, color: style.getPropertyValue("--text").trim() } };
  const layout = { ...chart.layout, margin, title: heading, paper_bgcolor: ground, plot_bgcolor: ground };
  const size = { width: Math.max(320, Math.round(width)), height: Math.round(height) + 36 };
  return window.Plotly.toImage({ data: chart.data, layout: { ...layout, ...size } }, { format: "png", scale: 2, ...size });
}

export function removeAll(root) {
  for (const chart of root.querySelectorAll("[data-chart].js-plotly-plot")) window.Plotly.purge(chart);
}
