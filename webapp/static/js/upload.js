// The upload panel: a drop zone, a form, and what happens to every file. One session at a time.

import { poll } from "./batch-poll.js";
import { fromDrop, fromInput } from "./upload-collect.js";
import { FileList } from "./upload-list.js";
import { SentBytes, showSegmenting, showSending } from "./upload-progress.js";
import { UploadSession } from "./upload-session.js";
import { bytes, counted, duration } from "./upload-words.js";

const VIDEO = /\.(mp4|m4v|mov|avi|mkv|webm)$/i;
const PHASES_UNDER_WAY = new Set(["opening", "sending", "stopped", "unsent", "sealing"]);

class UploadPanel {
  #root;
  #session;
  #list;
  #sent = new SentBytes();
  #hiddenCount = 0;
  #stopPolling = () => {};

  constructor(root) {
    this.#root = root;
    this.#list = new FileList(root, () => this.#draw());
    this.#session = this.#newSession();
    this.#listenToForm();
    this.#listenToDrops();
    window.addEventListener("beforeunload", (event) => {
      if (PHASES_UNDER_WAY.has(this.#session.phase)) event.preventDefault();
    });
    this.#list.draw();
    this.#root.dataset.ready = "";
  }

  #part(name) {
    return this.#root.querySelector(`[data-part=${name}]`);
  }

  #newSession() {
    const { csrfCookie, maxBytes, workerUrl } = this.#root.dataset;
    const session = new UploadSession({ csrfCookie, maxBytes: Number(maxBytes), workerUrl });
    session.addEventListener("file", ({ detail }) => this.#list.note(detail.item, detail.from));
    session.addEventListener("phase", ({ detail }) => this.#onPhase(detail));
    session.addEventListener("connection", ({ detail }) => this.#onConnection(detail));
    return session;
  }

  #onConnection({ isLost, pauseMs }) {
    this.#part("connection").hidden = !isLost;
    if (isLost) this.#say("connection-words", `It is tried again in ${duration(pauseMs / 1000)}, and until it works.`);
  }

  #listenToForm() {
    for (const name of ["files", "folder"]) {
      const input = this.#part(`${name}-input`);
      this.#part(`choose-${name}`).addEventListener("click", () => input.click());
      input.addEventListener("change", () => {
        this.#take(fromInput(input));
        input.value = "";
      });
    }
    this.#part("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start(new FormData(event.target));
    });
    this.#part("clear").addEventListener("click", () => {
      this.#hiddenCount = 0;
      this.#list.clear();
      this.#session.clear();
    });
    this.#part("stop").addEventListener("click", () => this.#session.stop());
    this.#part("again").addEventListener("click", () => this.#session.again());
    this.#part("finish").addEventListener("click", () => this.#session.seal());
  }

  /** The whole window takes a drop: an image dropped beside the zone must not replace the page. */
  #listenToDrops() {
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    let depth = 0;
    window.addEventListener("dragenter", (event) => {
      if (!hasFiles(event)) return;
      depth += 1;
      this.#root.dataset.dragging = "";
    });
    window.addEventListener("dragleave", (event) => {
      if (!hasFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (!depth) delete this.#root.dataset.dragging;
    });
    window.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = this.#takesFiles ? "copy" : "none";
    });
    window.addEventListener("drop", async (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      delete this.#root.dataset.dragging;
      if (!this.#takesFiles) return;
      this.#say("summary", "Reading the folder …");
      this.#take(await fromDrop(event.dataTransfer));
    });
  }

  get #takesFiles() {
    return ["idle", "opening", "sending"].includes(this.#session.phase);
  }

  #take({ files, unreadable, hiddenCount }) {
    this.#hiddenCount += hiddenCount;
    this.#session.add(files);
    this.#session.addUnreadable(unreadable);
    if (files.some(({ name }) => VIDEO.test(name))) this.#root.dataset.videos = "some";
    this.#list.draw();
  }

  async #start(form) {
    this.#showFieldErrors({});
    const settings = {
      name: form.get("name"),
      source: form.get("source"),
      captured_at: form.get("captured_at"),
    };
    if (this.#root.dataset.videos === "some") {
      settings.frame_seconds = form.get("frame_seconds");
      settings.blur_people = form.get("blur_people") === "on";
    }
    const { openUrl, openBatch } = this.#root.dataset;
    this.#sent.begin();
    await this.#session.start(openUrl, settings, openBatch ? JSON.parse(openBatch) : null);
    const { batch } = this.#session;
    if (!batch || this.#session.phase === "idle") return;
    for (const link of this.#root.querySelectorAll("[data-part=open-batch]")) link.href = batch.urls.batch;
    this.#stopPolling();
    this.#stopPolling = poll(batch.urls.progress, (progress) => {
      showSegmenting(this.#root, progress, this.#session.phase === "sealed");
      return !progress.is_over;
    });
  }

  #onPhase({ phase, message, fields }) {
    this.#root.dataset.phase = phase;
    if (phase !== "sending") this.#part("connection").hidden = true;
    this.#say("refusal", message);
    this.#part("refusal").hidden = !message || Object.keys(fields).length > 0;
    this.#showFieldErrors(fields);
    if (phase === "unsent" && !message) {
      const count = this.#list.counts.unsent;
      this.#say("refusal", `${counted(count, "file")} could not be sent.`);
      this.#part("refusal").hidden = false;
    }
    this.#list.draw();
  }

  #showFieldErrors(fields) {
    for (const hint of this.#root.querySelectorAll("[data-error-of]")) {
      const message = [fields[hint.dataset.errorOf] ?? ""].flat().join(" ");
      hint.textContent = message;
      hint.hidden = !message;
      this.#root.querySelector(`[name=${hint.dataset.errorOf}]`)?.toggleAttribute("aria-invalid", Boolean(message));
    }
  }

  #draw() {
    const { total, totalBytes, counts } = this.#list;
    const usable = total - counts.rejected;
    this.#root.dataset.files = total ? "some" : "none";
    this.#say("summary", total ? `${counted(total, "file")}, ${bytes(totalBytes)}` : "No files chosen yet");
    this.#say("hidden", this.#hiddenCount ? `${counted(this.#hiddenCount, "hidden file")} skipped` : "");
    this.#say("start", usable ? `Upload ${counted(usable, "file")}` : "Upload");
    this.#part("submit").disabled = !usable;
    this.#part("clear").hidden = !total;
    if (this.#session.phase !== "idle") showSending(this.#root, this.#session, this.#list, this.#sent);
  }

  #say(name, words) {
    this.#part(name).textContent = words;
  }
}

for (const root of document.querySelectorAll("[data-uploader]")) new UploadPanel(root);
