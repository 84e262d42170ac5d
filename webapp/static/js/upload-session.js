// One upload: announces the files, asks the server which it knows, sends the others, then closes the batch. Small files
// go in groups, large ones in pieces. Everything may break off at any moment: the server knows what it has.

import { Hasher } from "./upload-hash.js";
import { LARGE_BYTES, sendLarge } from "./upload-large.js";
import { Refused, Requests, ServerFault } from "./upload-request.js";
import { number } from "./upload-words.js";

/** What a worker takes apart may be larger than a picture. */
const TAKEN_APART = /\.(zip|mp4|m4v|mov|avi|mkv|webm)$/i;

const SENDERS = 3;
const GROUP_FILES = 24;
const GROUP_BYTES = 12_000_000;
const ANNOUNCED_AT_ONCE = 1000;
const FIRST_GROUP = 10;
const GROUP = 200;
const GROUP_AFTER_MS = 700;

/**
 * States of a file. `over` states are final; `unsent` may be tried again.
 * waiting → checking → known | sending → stored | archive | repeated | rejected, or unsent
 */
export const OVER = new Set(["known", "stored", "archive", "repeated", "rejected"]);

const UNREADABLE = "The browser could not read it: it was moved, changed or is locked.";

const STATE_OF_OUTCOME = {
  stored: "stored",
  linked: "known",
  repeated: "repeated",
  rejected: "rejected",
  archive: "archive",
};

/** What need not be sent: stored by an earlier try, for one. */
const STATE_OF_KNOWN = { ...STATE_OF_OUTCOME, stored: "known" };

/**
 * Events, each with `detail`: "file" ({item, from}), "phase" ({phase, message}), "connection" ({isLost, pauseMs}).
 * Phases: idle → opening → sending → (stopped | unsent) → sealing → sealed.
 */
export class UploadSession extends EventTarget {
  phase = "idle";
  items = [];
  batch = null;

  #requests;
  #maxBytes;
  #hasher;
  #ready = [];
  #active = 0;
  #preparing = Promise.resolve();
  #preparingCount = 0;
  #abort = new AbortController();

  /** @param {{csrfCookie: string, maxBytes: number, workerUrl: string}} options */
  constructor({ csrfCookie, maxBytes, workerUrl }) {
    super();
    this.#hasher = new Hasher(workerUrl);
    this.#requests = new Requests(csrfCookie);
    this.#requests.connection.addEventListener("change", ({ detail }) => {
      this.dispatchEvent(new CustomEvent("connection", { detail }));
    });
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
      this.batch = openBatch ?? (await this.#requests.postJson(openUrl, settings));
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
      await this.#requests.postJson(this.batch.urls.seal, {});
      this.#hasher.close();
      this.#setPhase("sealed");
    } catch (error) {
      this.#setPhase("unsent", error.message);
    }
  }

  #item({ file, name }) {
    const size = file?.size ?? 0;
    const isTooLarge = size > this.#maxBytes && !TAKEN_APART.test(name);
    const state = isTooLarge ? "rejected" : "waiting";
    const reason = isTooLarge ? tooLarge(size, this.#maxBytes) : "";
    return { file, name, size, sent: 0, hashed: 0, state, reason, isTooLarge, sha256: null };
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
    await this.#report("announced", items.filter((item) => !item.isTooLarge));
    await this.#report("too_large", items.filter((item) => item.isTooLarge));
    let group = [];
    let size = FIRST_GROUP;
    let since = performance.now();
    for (const item of items.filter((one) => !one.isTooLarge)) {
      if (signal.aborted) return;
      await this.#check(item);
      if (item.state !== "checking") continue;
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

  /** The batch knows what is to come, and lists what is not even sent. */
  async #report(key, items) {
    for (let start = 0; start < items.length; start += ANNOUNCED_AT_ONCE) {
      const some = items.slice(start, start + ANNOUNCED_AT_ONCE);
      const rows = some.map(({ name, size }) => ({ name, size_bytes: size }));
      await this.#requests.postJson(this.batch.urls.manifest, { [key]: rows });
    }
  }

  async #check(item) {
    this.#set(item, "checking");
    const progress = (hashed) => {
      item.hashed = hashed;
      this.#tell(item, item.state);
    };
    try {
      item.sha256 ??= await this.#hasher.hash(item.file, progress);
    } catch {
      this.#set(item, "rejected", UNREADABLE);
    }
  }

  async #ask(group, signal) {
    const files = group.map(({ name, sha256 }) => ({ name, sha256 }));
    const { known } = await this.#requests.postJson(this.batch.urls.manifest, { files });
    if (signal.aborted) return;
    const answers = new Map(known.map((answer) => [answer.name, answer]));
    for (const item of group) {
      const answer = answers.get(item.name);
      if (answer) this.#set(item, STATE_OF_KNOWN[answer.outcome] ?? "known", answer.reason);
      else {
        this.#set(item, "waiting");
        this.#ready.push(item);
      }
    }
    this.#pump();
  }

  #pump() {
    while (this.#active < SENDERS && this.#ready.length && this.phase === "sending") {
      this.#active += 1;
      this.#sendNext().finally(() => {
        this.#active -= 1;
        this.#pump();
        this.#finishWhenThrough();
      });
    }
  }

  /** A large file, or as many small ones as make a group. */
  #sendNext() {
    if (this.#ready[0].size > LARGE_BYTES) return this.#send([this.#ready.shift()], (items) => this.#large(items[0]));
    const group = [];
    let size = 0;
    while (this.#ready.length && group.length < GROUP_FILES && this.#ready[0].size <= LARGE_BYTES) {
      size += this.#ready[0].size;
      if (group.length && size > GROUP_BYTES) break;
      group.push(this.#ready.shift());
    }
    return this.#send(group, (items) => this.#group(items));
  }

  async #large(item) {
    const progress = (sent) => this.#sent(item, sent);
    return [await sendLarge(this.#requests, this.batch.urls.uploads, item, progress, this.#abort.signal)];
  }

  async #group(items) {
    const progress = (sent) => {
      let left = sent;
      for (const item of items) {
        this.#sent(item, Math.max(0, left));
        left -= item.size;
      }
    };
    return (await this.#requests.postFiles(this.batch.urls.files, items, progress, this.#abort.signal)).files;
  }

  #sent(item, sent) {
    item.sent = Math.min(sent, item.size);
    this.#tell(item, item.state);
  }

  async #send(chosen, send) {
    const signal = this.#abort.signal;
    const items = await this.#readable(chosen);
    for (const item of items) this.#set(item, "sending");
    try {
      const answers = items.length ? await send(items) : [];
      answers.forEach((answer, place) => {
        items[place].sent = items[place].size;
        this.#set(items[place], STATE_OF_OUTCOME[answer.outcome] ?? "stored", answer.reason);
      });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Refused || error instanceof ServerFault)) throw error;
      // One file of a group may be at fault: each is tried on its own before any is given up.
      if (error.status === 400 && items.length > 1) {
        for (const item of items) await this.#send([item], send);
        return;
      }
      const isOwnFault = error instanceof Refused && [400, 413, 460].includes(error.status);
      for (const item of items) {
        item.sent = 0;
        this.#set(item, isOwnFault ? "rejected" : "unsent", error.message);
      }
      if (!isOwnFault && error instanceof Refused) this.#fail(error);
    }
  }

  /** Without those that were moved or deleted since they were hashed, which would break a whole request. */
  async #readable(items) {
    const checked = await Promise.all(
      items.map((item) =>
        item.file
          .slice(0, 1)
          .arrayBuffer()
          .then(() => true)
          .catch(() => false),
      ),
    );
    items.filter((_, place) => !checked[place]).forEach((item) => this.#set(item, "rejected", UNREADABLE));
    return items.filter((_, place) => checked[place]);
  }

  /** A refusal concerns every file alike (signed out, batch deleted): stop instead of asking for each. */
  #fail(error) {
    if (this.phase !== "sending") return;
    if (!(error instanceof Refused || error instanceof ServerFault)) throw error;
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
