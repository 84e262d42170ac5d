// Hashing of files before they are sent, so that what the server already holds is not sent at all.

import { sha256 } from "./upload-sha256.js";

export class Hasher {
  #worker = null;
  #waiting = new Map();
  #nextId = 0;
  #isBroken = typeof Worker !== "function";
  #workerUrl;

  /** @param {string} workerUrl address of upload-hash-worker.js; the page knows it, its name changes with its content */
  constructor(workerUrl) {
    this.#workerUrl = workerUrl;
  }

  /**
   * SHA-256 in hex.
   * @param {(hashedBytes: number) => void} onProgress called for large files
   * @throws {Error} where the file cannot be read
   */
  async hash(file, onProgress = () => {}) {
    if (this.#isBroken) return sha256(file, onProgress);
    this.#worker ??= this.#start();
    const id = (this.#nextId += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { file, onProgress, resolve, reject });
      this.#worker.postMessage({ id, file });
    });
  }

  close() {
    this.#worker?.terminate();
    this.#worker = null;
  }

  #start() {
    const worker = new Worker(this.#workerUrl, { type: "module" });
    worker.addEventListener("message", ({ data: { id, hashed, sha256: hex, error } }) => {
      const { onProgress, resolve, reject } = this.#waiting.get(id);
      if (hashed !== undefined) {
        onProgress(hashed);
        return;
      }
      this.#waiting.delete(id);
      if (error) reject(new Error(error));
      else resolve(hex);
    });
    // A browser that starts no module worker: the page hashes by itself, more slowly.
    worker.addEventListener("error", () => {
      this.#isBroken = true;
      for (const { file, onProgress, resolve, reject } of this.#waiting.values()) {
        sha256(file, onProgress).then(resolve, reject);
      }
      this.#waiting.clear();
    });
    return worker;
  }
}
