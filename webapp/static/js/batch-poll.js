// Asks the server again and again, seldom while nothing changes and the page is not looked at.

const SHORTEST_MS = 1000;
const LONGEST_MS = 15000;
const SLOWER = 1.5;

/**
 * GET `url` until `onAnswer(answer)` returns false. The pause grows while the answer stays the same, and
 * after a failure; it is short again after a change.
 * @returns {() => void} stops the polling
 */
export function poll(url, onAnswer) {
  let pause = SHORTEST_MS;
  let before = "";
  let timer = 0;
  let isAsking = false;
  let isOver = false;

  async function ask() {
    isAsking = true;
    const text = await answerText(url);
    isAsking = false;
    if (isOver) return;
    pause = text === null || text === before ? Math.min(pause * SLOWER, LONGEST_MS) : SHORTEST_MS;
    before = text ?? before;
    if (text !== null && onAnswer(JSON.parse(text)) === false) stop();
    else timer = setTimeout(ask, document.hidden ? LONGEST_MS : pause);
  }

  function onReturn() {
    if (document.hidden || isAsking) return;
    clearTimeout(timer);
    timer = setTimeout(ask, 0);
  }

  function stop() {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onReturn);
  }

  document.addEventListener("visibilitychange", onReturn);
  timer = setTimeout(ask, 0);
  return stop;
}

async function answerText(url) {
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    return response.ok && isJson ? await response.text() : null;
  } catch {
    return null;
  }
}
