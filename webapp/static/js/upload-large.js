// One large file in pieces. The server knows how far it is, by the file's hash; so it goes on after anything.

import { Refused, Unanswered } from "./upload-request.js";

const PIECE_BYTES = 8 * 1024 * 1024;
const MOST_BAD_ANSWERS = 5;

/** Files above this size are sent in pieces, smaller ones whole. */
export const LARGE_BYTES = PIECE_BYTES;

/**
 * @param {import("./upload-request.js").Requests} requests
 * @param {{name: string, file: File, sha256: string, size: number}} item
 * @param {(sentBytes: number) => void} onProgress
 * @returns {Promise<{outcome: string, reason: string}>}
 */
export async function sendLarge(requests, uploadsUrl, item, onProgress, signal) {
  let { url, offset, isOver } = await requests.begin(uploadsUrl, item, signal);
  onProgress(offset);
  for (let tries = 0; !isOver; ) {
    const piece = item.file.slice(offset, offset + PIECE_BYTES);
    const start = offset;
    try {
      const place = await requests.sendPiece(url, piece, offset, (sent) => onProgress(start + Math.min(sent, piece.size)), signal);
      ({ offset, isOver } = place);
      tries = 0;
    } catch (error) {
      tries += 1;
      if (error instanceof Unanswered) {
        await requests.waitAfter(error, tries, signal);
        ({ offset, isOver } = await requests.placeOf(url, signal));
      } else if (error instanceof Refused && error.offset !== null && tries < MOST_BAD_ANSWERS) {
        // Another tab or another PC sends the same file.
        ({ offset, isOver } = await requests.placeOf(url, signal));
      } else if (error instanceof Refused && error.status === 460 && tries < MOST_BAD_ANSWERS) {
        ({ url, offset, isOver } = await requests.begin(uploadsUrl, item, signal));
      } else {
        throw error;
      }
    }
    onProgress(offset);
  }
  return requests.outcomeOf(url, signal);
}
