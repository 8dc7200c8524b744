export { howToInstall, type PackageEngine, type PackageFolder, packageFolder } from "./folder.ts";
export { installPackages } from "./install.ts";
