// Draws the API's description with the Swagger UI that comes with django-ninja.

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const settings = JSON.parse(document.getElementById("swagger-settings").textContent);
window.SwaggerUIBundle({ ...settings, dom_id: "#swagger-ui", presets: [window.SwaggerUIBundle.presets.apis] });
