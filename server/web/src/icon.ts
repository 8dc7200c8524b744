import { LabIcon } from "@jupyterlab/ui-components";
import favicon from "../public/favicon.svg";

export const labIcon = new LabIcon({ name: "cirlab:lab", svgstr: favicon });
