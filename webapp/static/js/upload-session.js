// One upload: asks the server which files it knows, sends the others a few at a time, then closes the batch.

import { Hasher } from "./upload-hash.js";
import { ConnectionLost, Refused, postFile, postJson } from "./upload-request.js";
import { number } from "./upload-words.js";

const SENDERS = 3;
const FIRST_GROUP = 10;
const GROUP = 200;
const GROUP_AFTER_MS = 700;

/**
 * States of a file. `over` states are final; `unsent` may be tried again.
 * waiting → checking → known | sending → stored | archive | repeated | rejected, or unsent
 */
export const OVER = new Set(["known", "stored", "archive", "repeated", "rejected"]);

const STATE_OF_OUTCOME = {
  stored: "stored",
  linked: "known",
  repeated: "repeated",
  rejected: "rejected",
  archive: "archive",
};

/**
 * Events, each with `detail`: "file" ({item, from}), "phase" ({phase, message}).
 * Phases: idle → opening → sending → (stopped | unsent) → sealing → sealed.
 */
export class UploadSession extends EventTarget {
  phase = "idle";
  items = [];
  batch = null;

  #csrfToken;
  #maxBytes;
  #hasher;
  #ready = [];
  #active = 0;
  #preparing = Promise.resolve();
  #preparingCount = 0;
  #abort = new AbortController();

  /** @param {{csrfToken: string, maxBytes: number, workerUrl: string}} options */
  constructor({ csrfToken, maxBytes, workerUrl }) {
    super();
    this.#hasher = new Hasher(workerUrl);
    this.#csrfToken = csrfToken;
    this.#maxBytes = maxBytes;
  }

  /** Add chosen files; a file that is there already (name, size, date) is not added twice. */
  add(chosen) {
    const present = new Set(this.items.map(identity));
    const added = chosen.filter((one) => !present.has(identity(one))).map((one) => this.#item(one));
    this.items.push(...added);
    for (const item of added) this.#tell(item, null);
    if (this.phase === "sending") this.#prepareLater(added);
    return added.length;
  }

  /** Files that could not even be read: listed like any other problem. */
  addUnreadable(names) {
    for (const name of names) {
      const item = { ...this.#item({ file: null, name }), state: "rejected", reason: "The browser could not read it." };
      this.items.push(item);
      this.#tell(item, null);
    }
  }

  clear() {
    this.items = [];
    this.#setPhase("idle");
  }

  /** Open a batch (or go on with one that is open) and send everything. */
  async start(openUrl, settings, openBatch = null) {
    this.#setPhase("opening");
    try {
      this.batch = openBatch ?? (await postJson(openUrl, settings, this.#csrfToken));
    } catch (error) {
      this.#setPhase("idle", error.message, error.fields);
      return;
    }
    this.#setPhase("sending");
    this.#prepareLater(this.items.filter((item) => item.state === "waiting" || item.isTooLarge));
  }

  /** Abort what is under way; everything not yet sent stays on the list as unsent. */
  stop() {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#ready = [];
    this.#setPhase("stopped");
    for (const item of this.items) {
      if (!OVER.has(item.state)) this.#set(item, "unsent", "Stopped before it was sent.");
    }
  }

  /** Send again what could not be sent. */
  again() {
    const unsent = this.items.filter((item) => item.state === "unsent");
    for (const item of unsent) this.#set(item, "waiting");
    this.#setPhase("sending");
    this.#prepareLater(unsent);
  }

  /** No more files will come: the batch is complete. */
  async seal() {
    this.#setPhase("sealing");
    try {
      await postJson(this.batch.urls.seal, {}, this.#csrfToken);
      this.#hasher.close();
      this.#setPhase("sealed");
    } catch (error) {
      this.#setPhase("unsent", error.message);
    }
  }

  #item({ file, name }) {
    const size = file?.size ?? 0;
    const isTooLarge = size > this.#maxBytes && !name.toLowerCase().endsWith(".zip");
    const state = isTooLarge ? "rejected" : "waiting";
    const reason = isTooLarge ? tooLarge(size, this.#maxBytes) : "";
    return { file, name, size, sent: 0, state, reason, isTooLarge, sha256: null };
  }

  #prepareLater(items) {
    const signal = this.#abort.signal;
    this.#preparingCount += 1;
    this.#preparing = this.#preparing
      .then(() => this.#prepare(items, signal))
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#preparingCount -= 1;
        this.#finishWhenThrough();
      });
  }

  /** Hash in order; ask about a small first group so that sending starts at once, then about larger ones. */
  async #prepare(items, signal) {
    await this.#report(items.filter((item) => item.isTooLarge));
    let group = [];
    let size = FIRST_GROUP;
    let since = performance.now();
    for (const item of items.filter((one) => !one.isTooLarge)) {
      if (signal.aborted) return;
      await this.#check(item);
      if (item.state !== "checking") continue;
      if (!item.sha256) {
        this.#enqueue(item);
        continue;
      }
      group.push(item);
      if (group.length >= size || performance.now() - since > GROUP_AFTER_MS) {
        await this.#ask(group, signal);
        group = [];
        size = GROUP;
        since = performance.now();
      }
    }
    if (group.length && !signal.aborted) await this.#ask(group, signal);
  }

  /** The batch lists what was not even sent, too. */
  async #report(items) {
    for (let start = 0; start < items.length; start += GROUP) {
      const some = items.slice(start, start + GROUP);
      const too_large = some.map(({ name, size }) => ({ name, size_bytes: size }));
      await postJson(this.batch.urls.manifest, { too_large }, this.#csrfToken);
    }
  }

  async #check(item) {
    this.#set(item, "checking");
    try {
      item.sha256 ??= await this.#hasher.hash(item.file);
    } catch {
      this.#set(item, "rejected", "The browser could not read it: it was moved, changed or is locked.");
    }
  }

  async #ask(group, signal) {
    const files = group.map(({ name, sha256 }) => ({ name, sha256 }));
    const { known } = await postJson(this.batch.urls.manifest, { files }, this.#csrfToken);
    if (signal.aborted) return;
    const names = new Set(known);
    for (const item of group) {
      if (names.has(item.name)) this.#set(item, "known");
      else this.#enqueue(item);
    }
  }

  #enqueue(item) {
    this.#set(item, "waiting");
    this.#ready.push(item);
    this.#pump();
  }

  #pump() {
    while (this.#active < SENDERS && this.#ready.length && this.phase === "sending") {
      this.#active += 1;
      this.#send(this.#ready.shift()).finally(() => {
        this.#active -= 1;
        this.#pump();
        this.#finishWhenThrough();
      });
    }
  }

  async #send(item) {
    const signal = this.#abort.signal;
    this.#set(item, "sending");
    const progress = (sent) => {
      item.sent = Math.min(sent, item.size);
      this.#tell(item, item.state);
    };
    try {
      const answer = await postFile(this.batch.urls.file, item, this.#csrfToken, progress, signal);
      item.sent = item.size;
      this.#set(item, STATE_OF_OUTCOME[answer.outcome] ?? "stored", answer.reason);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && error.status === 413) this.#set(item, "rejected", error.message);
      else {
        item.sent = 0;
        this.#set(item, "unsent", error.message);
        if (error instanceof Refused) this.#fail(error);
      }
    }
  }

  /** A refusal concerns every file alike (signed out, batch deleted): stop instead of asking for each. */
  #fail(error) {
    if (this.phase !== "sending") return;
    if (!(error instanceof Refused || error instanceof ConnectionLost)) throw error;
    this.stop();
    this.#setPhase("unsent", error.message);
  }

  #finishWhenThrough() {
    if (this.phase !== "sending" || this.#preparingCount || this.#active || this.#ready.length) return;
    if (this.items.some((item) => item.state === "unsent")) this.#setPhase("unsent");
    else this.seal();
  }

  #set(item, state, reason = "") {
    const from = item.state;
    item.state = state;
    item.reason = reason;
    this.#tell(item, from);
  }

  #tell(item, from) {
    this.dispatchEvent(new CustomEvent("file", { detail: { item, from } }));
  }

  #setPhase(phase, message = "", fields = {}) {
    this.phase = phase;
    this.dispatchEvent(new CustomEvent("phase", { detail: { phase, message, fields } }));
  }
}

/** The server's own words, segmentation/pictures.py. */
function tooLarge(size, limit) {
  return `has ${number(size / 1e6, 1)} MB; at most ${number(limit / 1e6)} MB are accepted`;
}

function identity({ file, name }) {
  return `${name}\n${file?.size}\n${file?.lastModified}`;
}
