// Judging the worst images where they stand: arrow keys move, F fails, P passes, U takes the word back, ? shows
// the keys. Whoever overrules the model is asked why first. Without this script the buttons are plain forms.

const KEYS = { f: "fail", p: "pass" };

const box = () => document.querySelector("[data-worst]");
const items = () => [...(box()?.querySelectorAll(".worst-item") ?? [])];
const picture = (item) => item.querySelector(".worst-picture");
const say = (text) => (document.getElementById("dashboard-status").textContent = text);

function arm() {
  const section = box();
  if (!section || section.classList.contains("is-live")) return;
  section.classList.add("is-live");
  items().forEach((item, place) => (picture(item).tabIndex = place === 0 ? 0 : -1));
}

function moveTo(item) {
  for (const other of items()) picture(other).tabIndex = other === item ? 0 : -1;
  picture(item).focus();
}

function columns() {
  const [first] = items();
  return items().filter((item) => item.offsetTop === first.offsetTop).length;
}

function step(item, by) {
  const next = items()[items().indexOf(item) + by];
  if (next) moveTo(next);
}

async function send(item, address, body) {
  const form = item.querySelector("form");
  const error = item.querySelector("[data-error]");
  error.hidden = true;
  item.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
      body: JSON.stringify({ ...body, prediction: form.elements.prediction.value }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error?.message ?? "That was not saved. Reload the page and try again.");
    show(item, answer);
    return true;
  } catch (problem) {
    error.textContent =
      problem instanceof TypeError || problem instanceof SyntaxError
        ? "That was not saved: Pixelwise gave no answer. Check the connection and try again."
        : problem.message;
    error.hidden = false;
    return false;
  } finally {
    item.removeAttribute("aria-busy");
  }
}

function show(item, { verdict, review }) {
  item.dataset.verdict = verdict;
  const badge = box().querySelector(`[data-badge-of=${verdict}]`).content.cloneNode(true);
  item.querySelector("[data-badge]").replaceChildren(badge);
  const words = review ? `Judged ${review.verdict} by ${review.by || "somebody who left"}` : "";
  item.querySelector("[data-judged]").textContent = words;
  item.querySelector("[data-undo]").hidden = !review;
  item.classList.toggle("is-judged", Boolean(review));
  item.classList.remove("asks-why");
  item.querySelector("[name=reason]").value = "";
  say(words || "Your word is taken back; the model's verdict counts again.");
}

/** Says `verdict` of an image; asks for the reason first where it overrules the model. True once it is kept. */
async function judge(item, verdict) {
  const reason = item.querySelector("[name=reason]");
  if (verdict !== item.dataset.modelVerdict && !reason.value.trim()) {
    item.classList.add("asks-why");
    item.dataset.asked = verdict;
    reason.labels[0].textContent = `Why is it a ${verdict}? Enter saves, Escape leaves it.`;
    reason.focus();
    return false;
  }
  return send(item, item.querySelector("form").action, { verdict, reason: reason.value });
}

async function judgeAndGoOn(item, verdict) {
  if (!(await judge(item, verdict))) return;
  const place = items().indexOf(item);
  moveTo(items()[place + 1] ?? item);
}

function undo(item) {
  const button = item.querySelector("[data-undo]");
  if (!button.hidden) send(item, button.formAction, {}).then((kept) => kept && moveTo(item));
}

function toggleHelp() {
  const help = box().querySelector(".worst-help");
  help.open = !help.open;
}

document.addEventListener("keydown", (event) => {
  const item = event.target.closest?.(".worst-item");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?" && box() && !event.target.matches("input, textarea, select")) return toggleHelp();
  if (!item) return;
  if (event.target.name === "reason") {
    if (event.key === "Escape") {
      item.classList.remove("asks-why");
      moveTo(item);
    }
    return;
  }
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
  const key = event.key.toLowerCase();
  if (event.key in moves) step(item, moves[event.key]);
  else if (key in KEYS) judgeAndGoOn(item, KEYS[key]);
  else if (key === "u") undo(item);
  else return;
  event.preventDefault();
});

document.addEventListener("submit", (event) => {
  const item = event.target.closest(".worst-item");
  if (!item) return;
  event.preventDefault();
  const button = event.submitter;
  if (button?.hasAttribute("data-undo")) undo(item);
  else if (document.activeElement?.name === "reason") judgeAndGoOn(item, item.dataset.asked ?? button.value);
  else judge(item, button.value);
});

document.addEventListener("focusin", (event) => {
  const item = event.target.closest?.(".worst-item");
  if (item) for (const other of items()) picture(other).tabIndex = other === item ? 0 : -1;
});

document.addEventListener("dashboard:shown", arm);
arm();
