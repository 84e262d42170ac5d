// SHA-256 of one file at a time, off the page's own thread.

self.addEventListener("message", async (event) => {
  const { id, file } = event.data;
  try {
    const digest = await self.crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
    self.postMessage({ id, sha256: hex });
  } catch (error) {
    self.postMessage({ id, error: error.name });
  }
});
