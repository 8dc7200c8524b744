/**
 * A number in few characters: whole numbers with thousands separators, others with `digits` significant digits, very
 * small and very large ones in scientific notation.
 *
 * @param digits significant digits. Default 4.
 */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "-∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e15) return value.toExponential(digits - 2).replace(/\.?0+e/, "e");
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  const decimals = Math.min(100, Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
  const text = value.toFixed(decimals);
  const short = decimals ? text.replace(/\.?0+$/, "") : text;
  return size >= 1000 ? Number(short).toLocaleString("en-US", { maximumFractionDigits: decimals }) : short;
}

/** A share of 1 in per cent: `formatPercent(0.1234)` is `"12.3 %"`. */
export function formatPercent(share: number, decimals = 1): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(decimals)} %` : formatNumber(share);
}

/** A duration given in milliseconds: `"38 ms"`, `"4.2 s"`, `"3 min 05 s"`, `"2 h 04 min"`. */
export function formatDuration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return formatNumber(milliseconds);
  if (milliseconds < 1) return `${formatNumber(milliseconds, 2)} ms`;
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A size in binary units: `"1.5 KiB"`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1023.5 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : formatNumber(value, 3)} ${byteUnits[unit]}`;
}

/** `text` filled with spaces to `width` characters, counted as code points. */
export function pad(text: string, width: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, width - [...text].length));
  return align === "left" ? text + space : space + text;
}
