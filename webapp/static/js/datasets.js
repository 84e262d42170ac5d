// Uploading a data set: the form works by itself; with this it shows how far it is.

const form = document.querySelector("[data-upload-form]");
const sending = form?.querySelector("[data-sending]");
const bar = sending?.querySelector("progress");
const words = sending?.querySelector("[data-sending-words]");
const refusal = form?.querySelector("[data-refusal]");
const button = form?.querySelector("button[type=submit]");

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  refusal.hidden = true;
  sending.hidden = false;
  button.disabled = true;
  tell(0, 1);
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", (step) => tell(step.loaded, step.total));
  request.addEventListener("load", () => end(request));
  request.addEventListener("error", () => refuse("The connection was lost. Try again."));
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(new FormData(form));
});

function tell(sent, total) {
  bar.max = total || 1;
  bar.value = sent;
  const percent = total ? Math.floor((100 * sent) / total) : 0;
  words.textContent = percent < 100 ? `${percent} % sent` : "Sent; the server is storing it";
}

function end(request) {
  const answer = parsed(request.responseText);
  if (request.status === 201 && answer?.url) location.assign(answer.url);
  else refuse(answer?.error?.message ?? `The server answered ${request.status}. Try again, or tell who runs it.`);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function refuse(message) {
  sending.hidden = true;
  button.disabled = false;
  refusal.textContent = message;
  refusal.hidden = false;
}
