// Requests of the upload: what a lost connection breaks is tried again, what the server refuses is not.

const TRIES = 3;
const TRY_AGAIN_AFTER_MS = [1000, 4000];
const WORTH_ANOTHER_TRY = new Set([0, 408, 429, 500, 502, 503, 504]);

/** The connection failed as often as we try. */
export class ConnectionLost extends Error {}

/** The server understood and said no; trying again would not help. */
export class Refused extends Error {
  constructor(message, status, fields = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

/** POST JSON. @returns {Promise<object>} the answer's JSON */
export function postJson(url, body, csrfToken) {
  return withTries(async () => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken, Accept: "application/json" },
      body: JSON.stringify(body),
    }).catch(() => null);
    if (!response) throw new Unanswered(0);
    return readAnswer(response.status, await response.text());
  });
}

/**
 * POST one file. XMLHttpRequest, because fetch does not report how much of a body is sent.
 * @param {{file: File, name: string}} item
 * @param {(sentBytes: number) => void} onProgress
 * @param {AbortSignal} signal
 */
export function postFile(url, item, csrfToken, onProgress, signal) {
  return withTries(
    () =>
      new Promise((resolve, reject) => {
        const form = new FormData();
        form.append("name", item.name);
        form.append("file", item.file, item.file.name);
        const request = new XMLHttpRequest();
        const settle = () => {
          signal.removeEventListener("abort", abort);
          try {
            resolve(readAnswer(request.status, request.responseText));
          } catch (error) {
            reject(error);
          }
        };
        const abort = () => {
          request.abort();
          reject(new DOMException("stopped", "AbortError"));
        };
        signal.addEventListener("abort", abort, { once: true });
        request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
        request.addEventListener("load", settle);
        request.addEventListener("error", settle);
        request.addEventListener("timeout", settle);
        request.open("POST", url);
        request.setRequestHeader("X-CSRFToken", csrfToken);
        request.setRequestHeader("Accept", "application/json");
        request.send(form);
      }),
    signal,
    () => onProgress(0),
  );
}

class Unanswered extends Error {
  constructor(status) {
    super(`no answer (${status})`);
    this.status = status;
  }
}

function readAnswer(status, text) {
  if (WORTH_ANOTHER_TRY.has(status)) throw new Unanswered(status);
  let answer = null;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Refused(refusal(status), status);
  }
  if (status >= 400) throw new Refused(answer.error?.message ?? refusal(status), status, answer.error?.fields);
  return answer;
}

function refusal(status) {
  if (status === 401 || status === 403 || status === 200) {
    return "You are no longer signed in. Sign in again in another tab, then press “Try again”.";
  }
  if (status === 404) return "This batch no longer exists. Start a new one.";
  if (status === 413) return "The file is larger than the server accepts.";
  return `The server answered with an error (${status}).`;
}

async function withTries(attempt, signal = null, onRetry = () => {}) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      if (tries === TRIES) throw new ConnectionLost(lost(error.status));
      onRetry();
      await pause(TRY_AGAIN_AFTER_MS[tries - 1] * (0.75 + Math.random() / 2), signal);
    }
  }
}

function lost(status) {
  if (status === 0) return `The connection failed ${TRIES} times.`;
  return `The server could not take it ${TRIES} times in a row (${status}).`;
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(new DOMException("stopped", "AbortError"));
      },
      { once: true },
    );
  });
}
