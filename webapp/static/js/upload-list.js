// The list of files on the page. It stays fast with ten thousand files: what changed is drawn once a frame,
// and only the first rows, those being sent, and those with a problem are drawn at all.

import { OVER } from "./upload-session.js";
import { bytes, counted, number } from "./upload-words.js";

const SHOWN = 200;

const WORDS = {
  waiting: "Waiting",
  checking: "Checking",
  known: "Already known",
  sending: "Sending",
  stored: "Stored",
  archive: "Will be unpacked",
  repeated: "Repeated",
  rejected: "Rejected",
  unsent: "Not sent",
};
const PROBLEMS = new Set(["rejected", "unsent", "repeated"]);

export class FileList {
  counts = Object.fromEntries(Object.keys(WORDS).map((state) => [state, 0]));
  totalBytes = 0;
  overBytes = 0;

  #root;
  #total = 0;
  #rows = new Map();
  #dirty = new Set();
  #frame = 0;
  #sending = new Set();
  #onFrame;

  /**
   * @param {HTMLElement} root holds the elements with data-list="files|problems|more|counters"
   * @param {() => void} onFrame called after each drawing
   */
  constructor(root, onFrame) {
    const part = (name) => root.querySelector(`[data-list=${name}]`);
    this.#root = {
      files: part("files"),
      problems: part("problems"),
      problemsCard: part("problems-card"),
      more: part("more"),
      counters: part("counters"),
    };
    this.#onFrame = onFrame;
  }

  get total() {
    return this.#total;
  }

  get overCount() {
    return [...OVER].reduce((sum, state) => sum + this.counts[state], 0);
  }

  /** Bytes that need no more sending, with what is sent of the files under way. */
  get sentBytes() {
    let under = 0;
    for (const item of this.#sending) under += item.sent;
    return this.overBytes + under;
  }

  /** Take note that `item` is now in its state, before in `from` (null: it is new). */
  note(item, from) {
    if (from === null) {
      this.#total += 1;
      if (!OVER.has(item.state)) this.totalBytes += item.size;
      item.place = this.#total;
      this.counts[item.state] += 1;
    } else if (from !== item.state) {
      this.counts[from] -= 1;
      this.counts[item.state] += 1;
      if (OVER.has(item.state)) this.overBytes += item.size;
    }
    if (item.state === "sending") this.#sending.add(item);
    else this.#sending.delete(item);
    this.#dirty.add(item);
    this.draw();
  }

  clear() {
    for (const list of [this.#root.files, this.#root.problems]) list.replaceChildren();
    for (const state of Object.keys(this.counts)) this.counts[state] = 0;
    this.#rows.clear();
    this.#dirty.clear();
    this.#sending.clear();
    this.#total = this.totalBytes = this.overBytes = 0;
    this.draw();
  }

  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const fragment = { files: new DocumentFragment(), problems: new DocumentFragment() };
      for (const item of this.#dirty) this.#drawItem(item, fragment);
      this.#dirty.clear();
      this.#root.files.append(fragment.files);
      this.#root.problems.append(fragment.problems);
      this.#drawCounters();
      this.#onFrame();
    });
  }

  #drawItem(item, fragment) {
    const isProblem = PROBLEMS.has(item.state);
    let row = this.#rows.get(item);
    if (!row) {
      if (item.place > SHOWN && !isProblem && item.state !== "sending") return;
      row = newRow(item);
      this.#rows.set(item, row);
      if (item.place > SHOWN && !isProblem) this.#root.files.prepend(row);
      else fragment[isProblem ? "problems" : "files"].append(row);
    }
    fillRow(row, item);
    if (isProblem) {
      if (!this.#root.problems.contains(row)) fragment.problems.append(row);
    } else if (this.#root.problems.contains(row)) {
      fragment.files.append(row);
    } else if (item.place > SHOWN && OVER.has(item.state)) {
      row.remove();
      this.#rows.delete(item);
    }
  }

  #drawCounters() {
    const shown = Object.keys(WORDS).filter((state) => this.counts[state] && !["checking", "sending"].includes(state));
    this.#root.counters.replaceChildren(
      ...shown.map((state) => {
        const counter = document.createElement("li");
        counter.dataset.state = state;
        const figure = document.createElement("strong");
        figure.textContent = number(this.counts[state]);
        counter.append(figure, ` ${WORDS[state].toLowerCase()}`);
        return counter;
      }),
    );
    const problems = [...PROBLEMS].reduce((sum, state) => sum + this.counts[state], 0);
    this.#root.problemsCard.hidden = !problems;
    const hidden = this.#total - problems - Math.min(this.#root.files.childElementCount, this.#total);
    this.#root.more.hidden = hidden <= 0;
    this.#root.more.textContent = `and ${counted(hidden, "more file")}, counted above`;
  }
}

function newRow(item) {
  const row = document.createElement("li");
  for (const [tag, name] of [["span", "name"], ["span", "size"], ["progress", "bar"], ["span", "state"]]) {
    const part = document.createElement(tag);
    part.className = `upload-file-${name}`;
    row.append(part);
  }
  const [name, size, bar] = row.children;
  name.textContent = name.title = item.name;
  size.textContent = item.size ? bytes(item.size) : "";
  bar.max = Math.max(item.size, 1);
  bar.setAttribute("aria-label", `Sent of ${item.name}`);
  return row;
}

function fillRow(row, item) {
  const [, , bar, state] = row.children;
  row.dataset.state = item.state;
  const isHashing = item.state === "checking" && item.hashed > 0;
  bar.hidden = item.state !== "sending" && !isHashing;
  bar.value = isHashing ? item.hashed : item.sent;
  const words = WORDS[item.state];
  state.textContent = PROBLEMS.has(item.state) && item.reason ? `${words}: ${item.reason}` : words;
}
