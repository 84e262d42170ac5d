// Hashing of files before they are sent, so that what the project already holds is not sent at all.

/** Larger files are sent without asking: a digest needs the whole file in memory. */
const LARGEST_BYTES = 256 * 1024 * 1024;

export class Hasher {
  #worker = null;
  #waiting = new Map();
  #nextId = 0;
  #broken = false;
  #workerUrl;

  /** @param {string} workerUrl address of upload-hash-worker.js; the page knows it, its name changes with its content */
  constructor(workerUrl) {
    this.#workerUrl = workerUrl;
  }

  /** Browsers hand out crypto.subtle on https and localhost only; elsewhere every file is sent. */
  get available() {
    if (this.#broken || typeof Worker !== "function") return false;
    return window.isSecureContext && Boolean(window.crypto?.subtle);
  }

  /**
   * SHA-256 in hex, or null where the file is not worth asking about.
   * @throws {Error} where the file cannot be read
   */
  async hash(file) {
    if (!this.available || file.size > LARGEST_BYTES || file.name.toLowerCase().endsWith(".zip")) return null;
    this.#worker ??= this.#start();
    const id = (this.#nextId += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, file });
    });
  }

  close() {
    this.#worker?.terminate();
    this.#worker = null;
  }

  #start() {
    const worker = new Worker(this.#workerUrl, { type: "module" });
    worker.addEventListener("message", (event) => {
      const { id, sha256, error } = event.data;
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) reject(new Error(error));
      else resolve(sha256);
    });
    worker.addEventListener("error", () => {
      this.#broken = true;
      for (const { resolve } of this.#waiting.values()) resolve(null);
      this.#waiting.clear();
    });
    return worker;
  }
}
