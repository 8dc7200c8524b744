/** A file that an export has written. */
export interface ExportedFile {
  readonly name: string;
  /** Steps of a file of metrics, else lines or rows. */
  readonly rows: number;
  readonly bytes: number;
}
