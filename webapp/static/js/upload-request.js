// Requests of the upload: what a lost connection breaks is tried again until it is back, what the server refuses is not.

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const SERVER_FAULT_TRIES = 3;
const COMES_BACK = new Set([0, 408, 425, 429, 502, 503, 504]);

/** The server failed as often as we try. */
export class ServerFault extends Error {}

/** The server understood and said no; trying again would not help. */
export class Refused extends Error {
  constructor(message, status, answer = {}) {
    super(message);
    this.status = status;
    this.fields = answer.fields ?? {};
    /** Where the server says that a file goes on, for answers that say it. */
    this.offset = answer.offset ?? null;
  }
}

/** Whether the server can be reached, as an event "change" with `detail`: {isLost, pauseMs}. */
export class Connection extends EventTarget {
  #isLost = false;

  lost(pauseMs) {
    this.#isLost = true;
    this.dispatchEvent(new CustomEvent("change", { detail: { isLost: true, pauseMs } }));
  }

  back() {
    if (!this.#isLost) return;
    this.#isLost = false;
    this.dispatchEvent(new CustomEvent("change", { detail: { isLost: false, pauseMs: 0 } }));
  }
}

/** What the requests of one upload have in common. */
export class Requests {
  connection = new Connection();
  #csrfCookie;

  /** @param {string} csrfCookie name of the cookie; its value changes when somebody signs in again in another tab */
  constructor(csrfCookie) {
    this.#csrfCookie = `${csrfCookie}=`;
  }

  get #csrfToken() {
    const cookies = document.cookie.split("; ");
    return cookies.find((cookie) => cookie.startsWith(this.#csrfCookie))?.slice(this.#csrfCookie.length) ?? "";
  }

  /** POST JSON. @returns {Promise<object>} the answer's JSON */
  async postJson(url, body, signal = null) {
    const headers = { "Content-Type": "application/json" };
    const answer = await this.#untilAnswered(() => this.#once("POST", url, headers, JSON.stringify(body), signal), signal);
    return JSON.parse(answer.text);
  }

  /** A group of small files in one request: a line of JSON, then their contents. @returns {Promise<object>} */
  async postFiles(url, items, onProgress, signal) {
    const files = items.map(({ name, sha256, size }) => ({ name, sha256, size_bytes: size }));
    const body = new Blob([`${JSON.stringify({ files })}\n`, ...items.map(({ file }) => file)]);
    const headers = { "Content-Type": "application/vnd.pixelwise.files" };
    const once = () => this.#once("POST", url, headers, body, signal, onProgress);
    const answer = await this.#untilAnswered(once, signal, () => onProgress(0));
    return JSON.parse(answer.text);
  }

  /** Begin a large file or go on with it. @returns {Promise<{url: string, offset: number, isOver: boolean}>} */
  async begin(url, { name, sha256, size }, signal) {
    const metadata = Object.entries({ filename: name, sha256 }).map(([key, value]) => `${key} ${base64(value)}`);
    const headers = { "Tus-Resumable": "1.0.0", "Upload-Length": String(size), "Upload-Metadata": metadata.join(",") };
    const answer = await this.#untilAnswered(() => this.#once("POST", url, headers, null, signal), signal);
    return { url: answer.header("Location"), ...placeIn(answer) };
  }

  /** One piece of a large file, once: where the connection breaks, the caller asks how much arrived. */
  async sendPiece(url, piece, offset, onProgress, signal) {
    const headers = {
      "Tus-Resumable": "1.0.0",
      "Content-Type": "application/offset+octet-stream",
      "Upload-Offset": String(offset),
    };
    if (globalThis.crypto?.subtle) {
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await piece.arrayBuffer()));
      headers["Upload-Checksum"] = `sha256 ${btoa(String.fromCharCode(...digest))}`;
    }
    const answer = await this.#once("PATCH", url, headers, piece, signal, onProgress);
    this.connection.back();
    return placeIn(answer);
  }

  /** How much of a large file has arrived. @returns {Promise<{offset: number, isOver: boolean}>} */
  async placeOf(url, signal) {
    const headers = { "Tus-Resumable": "1.0.0" };
    return placeIn(await this.#untilAnswered(() => this.#once("HEAD", url, headers, null, signal), signal));
  }

  /** What became of a file. @returns {Promise<{outcome: string, reason: string}>} */
  async outcomeOf(url, signal) {
    return JSON.parse((await this.#untilAnswered(() => this.#once("GET", url, {}, null, signal), signal)).text);
  }

  /** XMLHttpRequest, because fetch does not report how much of a body is sent. */
  #once(method, url, headers, body, signal, onProgress = () => {}) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const abort = () => {
        request.abort();
        reject(stopped());
      };
      const settle = () => {
        signal?.removeEventListener("abort", abort);
        const header = (name) => request.getResponseHeader(name);
        const answer = { status: request.status, text: request.responseText, header };
        const problem = problemOf(answer, method);
        if (problem) reject(problem);
        else resolve(answer);
      };
      if (signal?.aborted) {
        reject(stopped());
        return;
      }
      signal?.addEventListener("abort", abort, { once: true });
      request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
      for (const end of ["load", "error", "timeout"]) request.addEventListener(end, settle);
      request.open(method, url);
      request.setRequestHeader("X-CSRFToken", this.#csrfToken);
      request.setRequestHeader("Accept", "application/json");
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.send(body);
    });
  }

  async #untilAnswered(attempt, signal, onRetry = () => {}) {
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await attempt();
        this.connection.back();
        return answer;
      } catch (error) {
        await this.waitAfter(error, tries, signal);
        onRetry();
      }
    }
  }

  /** Wait until it is worth another try; throws the error where it is not. */
  async waitAfter(error, tries, signal) {
    if (!(error instanceof Unanswered)) throw error;
    if (!COMES_BACK.has(error.status) && tries >= SERVER_FAULT_TRIES) {
      throw new ServerFault(`The server could not take it ${tries} times in a row (${error.status}).`);
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1)) * (0.75 + Math.random() / 2);
    this.connection.lost(pauseMs);
    await pause(pauseMs, signal);
  }
}

/** No answer, or one that says that a later try may do. */
export class Unanswered extends Error {
  constructor(status) {
    super(`no answer (${status})`);
    this.status = status;
  }
}

function problemOf({ status, text, header }, method) {
  if (COMES_BACK.has(status) || status === 500) return new Unanswered(status);
  const offset = header("Upload-Offset");
  const answer = { offset: offset === null ? null : Number(offset) };
  let error = null;
  try {
    if (text) error = JSON.parse(text).error ?? null;
  } catch {
    return new Refused(refusal(status), status, answer);
  }
  if (status < 400) return null;
  const message = error?.message ?? refusal(status);
  return new Refused(method === "HEAD" ? refusal(status) : message, status, { ...answer, fields: error?.fields });
}

function placeIn({ header }) {
  return { offset: Number(header("Upload-Offset")), isOver: header("Upload-Outcome") !== null };
}

function refusal(status) {
  if (status === 401 || status === 403 || status === 200) {
    return "You are no longer signed in. Sign in again in another tab, then press “Try again”.";
  }
  if (status === 404) return "This batch no longer exists. Start a new one.";
  if (status === 413) return "The file is larger than the server accepts.";
  return `The server answered with an error (${status}).`;
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function stopped() {
  return new DOMException("stopped", "AbortError");
}

/** Ends early when the browser says that the network is back. */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      clearTimeout(timer);
      window.removeEventListener("online", goOn);
      signal?.removeEventListener("abort", abort);
      settle(value);
    };
    const goOn = () => end(resolve);
    const abort = () => end(reject, stopped());
    const timer = setTimeout(goOn, milliseconds);
    window.addEventListener("online", goOn);
    signal?.addEventListener("abort", abort);
  });
}
