// The two bars of the upload page: what is sent, and what is segmented.

import { bytes, counted, duration, number, rate } from "./upload-words.js";

const WINDOW_MS = 10_000;

/** How many bytes a second went out lately. */
export class SentBytes {
  #samples = [];

  begin() {
    this.#samples = [];
  }

  /** @returns {number|null} bytes a second over the last ten seconds; null before there is something to say */
  rate(sent) {
    const now = performance.now();
    this.#samples.push({ at: now, sent });
    while (this.#samples.length > 2 && this.#samples[0].at < now - WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    const elapsed = now - first.at;
    return elapsed > 500 && sent > first.sent ? ((sent - first.sent) * 1000) / elapsed : null;
  }
}

const SENDING_TITLE = {
  opening: "Opening the batch",
  sending: "Uploading",
  stopped: "Upload stopped",
  unsent: "Upload incomplete",
  sealing: "Finishing the upload",
  sealed: "Upload finished",
};

export function showSending(root, session, list, sent) {
  const part = (name) => root.querySelector(`[data-part=${name}]`);
  const bar = part("sending-bar");
  bar.max = Math.max(list.totalBytes, 1);
  bar.value = session.phase === "sealed" ? bar.max : list.sentBytes;
  part("sending-title").textContent = SENDING_TITLE[session.phase] ?? "";
  const words = [
    `${number(list.overCount)} of ${counted(list.total, "file")}`,
    `${bytes(list.sentBytes)} of ${bytes(list.totalBytes)}`,
  ];
  const perSecond = sent.rate(list.sentBytes);
  if (session.phase === "sending" && perSecond) {
    words.push(`${bytes(perSecond)} a second`);
    words.push(`${duration((list.totalBytes - list.sentBytes) / perSecond)} left`);
  }
  part("sending-words").textContent = words.join(" · ");
}

const SEGMENTING_TITLE = {
  uploading: "Segmentation starts with the first image",
  waiting: "Waiting for a model",
  queued: "Waiting for a worker",
  running: "Segmenting",
  done: "Segmentation finished",
  failed: "Segmentation finished with failures",
  cancelled: "Segmentation cancelled",
};

/** @param {object} progress the JSON of the batch's progress; `isSealed`: every file has arrived */
export function showSegmenting(root, progress, isSealed) {
  const part = (name) => root.querySelector(`[data-part=${name}]`);
  const processed = progress.done_count + progress.failed_count;
  const bar = part("segmenting-bar");
  bar.max = Math.max(progress.image_count, 1);
  bar.value = processed;
  part("segmenting-title").textContent = SEGMENTING_TITLE[progress.status] ?? "";
  part("waiting").hidden = progress.status !== "waiting";
  const words = progress.image_count ? [`${number(processed)} of ${counted(progress.image_count, "image")}`] : [];
  if (progress.failed_count) words.push(`${number(progress.failed_count)} could not be processed`);
  if (progress.status === "running" || progress.status === "uploading") {
    if (progress.images_per_second) words.push(rate(progress.images_per_second));
    if (isSealed && progress.eta_seconds) words.push(`${duration(progress.eta_seconds)} left`);
  }
  if (progress.fail_verdict_count) words.push(`${number(progress.fail_verdict_count)} failed inspection`);
  part("segmenting-words").textContent = words.join(" · ");
}
