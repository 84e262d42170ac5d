// SHA-256 of one file at a time, off the page's own thread.

import { sha256 } from "./upload-sha256.js";

let queue = Promise.resolve();

self.addEventListener("message", ({ data: { id, file } }) => {
  queue = queue.then(async () => {
    try {
      const hex = await sha256(file, (hashed) => self.postMessage({ id, hashed }));
      self.postMessage({ id, sha256: hex });
    } catch (error) {
      self.postMessage({ id, error: error.name });
    }
  });
});
