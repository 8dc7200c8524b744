// Spellings of units, after the SI brochure's names and symbols and everyday English.
const spellings: Record<string, string> = {
  mm: "mm millimeter millimeters millimetre millimetres",
  cm: "cm centimeter centimeters centimetre centimetres",
  m: "m meter meters metre metres",
  km: "km kilometer kilometers kilometre kilometres",
  in: "in inch inches",
  ft: "ft foot feet",
  yd: "yd yard yards",
  mi: "mi mile miles",
  mg: "mg milligram milligrams",
  g: "g gram grams",
  kg: "kg kilogram kilograms",
  lb: "lb lbs pound pounds",
  oz: "oz ounce ounces",
  s: "s sec secs second seconds",
  min: "min mins minute minutes",
  h: "h hr hrs hour hours",
  day: "day days",
  week: "week weeks",
  month: "month months",
  year: "year years yr yrs",
  L: "l liter liters litre litres",
  mL: "ml milliliter milliliters millilitre millilitres",
  mph: "mph",
  N: "newton newtons",
  J: "j joule joules",
  W: "w watt watts",
  Hz: "hz hertz",
  V: "volt volts",
  Pa: "pascal pascals",
  $: "dollar dollars usd",
  cent: "cent cents",
  "€": "euro euros",
  rad: "rad rads radian radians",
  deg: "degree degrees deg",
  "%": "percent",
};
const byWord = new Map(
  Object.entries(spellings).flatMap(([unit, words]) => words.split(" ").map((word): [string, string] => [word, unit])),
);
const powers: Record<string, string> = { square: "^2", sq: "^2", cubic: "^3", squared: "^2", cubed: "^3" };

/** The unit that a word is the name of, or undefined. */
export const unitOfWord = (word: string): string | undefined => byWord.get(word.toLowerCase());

/** Whether bare letters after a number (not in `\text`) are a unit: single letters are variables. */
export const isBareUnit = (word: string): boolean => word.length > 1 && byWord.has(word.toLowerCase());

/**
 * One spelling for a unit: `"square centimeters"` and `"cm^2"` are both `"cm^2"`, `"meters per second"` is `"m/s"`. Words
 * that are no physical unit (`"apples"`) stay as they are, and `known` is false.
 */
export function normaliseUnit(text: string): { unit: string; known: boolean } {
  const words = text
    .toLowerCase()
    .replace(/[~.,\\]/g, " ")
    .replace(/\bper\b/g, "/")
    .replace(/\s*([/^·*])\s*/g, "$1")
    .replace(/[{}]/g, "")
    .trim()
    .split(/\s+/);
  let known = true;
  let pending = "";
  const normal: string[] = [];
  for (const word of words) {
    if (word in powers) {
      if ((word === "squared" || word === "cubed") && normal.length) normal.push(normal.pop()! + powers[word]);
      else pending = powers[word]!;
      continue;
    }
    const pieces = word.split("/").map((piece) => {
      const [base = "", exponent] = piece.split("^");
      const unit = unitOfWord(base);
      if (unit === undefined) known = false;
      return (unit ?? base) + (exponent ? `^${exponent}` : "");
    });
    normal.push(pieces.join("/") + pending);
    pending = "";
  }
  return { unit: normal.join(" "), known };
}
