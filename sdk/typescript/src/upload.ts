/** The request that stores a file, whose code is loaded when a file is first stored. No I/O. */
import { newKey, type Request } from "./core";

/** Build a multipart upload. Its boundary is fixed, so that a repeat has the same bytes. */
export function upload(file: Blob | BufferSource, path: string | undefined): Request {
  const key = newKey();
  const part = `--${key}\r\nContent-Disposition: form-data; name=`;
  const { name = "upload", type } = file as Partial<File>;
  const filename = (path ?? name).split("/").pop() as string;
  const head =
    (path === undefined ? "" : `${part}"path"\r\n\r\n${path}\r\n`) +
    `${part}"file"; filename="${filename.replace(/["\r\n]/g, encodeURIComponent)}"\r\n` +
    `Content-Type: ${type || "application/octet-stream"}\r\n\r\n`;
  return {
    path: "/v1/drive/upload",
    headers: { "Content-Type": `multipart/form-data; boundary=${key}` },
    body: new Blob([head, file, `\r\n--${key}--\r\n`]),
    key,
  };
}
