// Numbers in words, the same on every page that shows progress.

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** 1234 → "1,234"; with `digits` after the point where asked for, rounded as the server rounds. */
export function number(value, digits = 0) {
  const places = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString("en-GB", { ...places, roundingMode: "halfEven" });
}

/** 1 image, 2 images. */
export function counted(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** Bytes in decimal units with three digits at most: 84.2 MB. */
export function bytes(value) {
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return `${size.toFixed(digits)} ${UNITS[unit]}`;
}

/** Seconds as a person says them: "a moment", "40 seconds", "3 minutes", "2 hours 10 minutes", "3 days". */
export function duration(seconds) {
  if (seconds < 5) return "a moment";
  if (seconds < 55) return `${Math.ceil(seconds / 5) * 5} seconds`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return counted(minutes, "minute");
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return counted(Math.round(hours / 24), "day");
  const rest = minutes % 60;
  return rest ? `${counted(hours, "hour")} ${counted(rest, "minute")}` : counted(hours, "hour");
}

/** Images a second, or a minute where it takes longer than a second for one. */
export function rate(perSecond) {
  if (perSecond >= 1) return `${perSecond.toFixed(1)} images a second`;
  return `${(perSecond * 60).toFixed(1)} images a minute`;
}
