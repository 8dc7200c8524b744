// Icons are imported as text (build.js).
declare module "*.svg" {
  const text: string;
  export default text;
}
