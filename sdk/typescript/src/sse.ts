/**
 * Server-sent events: bytes in, messages out, whatever the places where the network cuts them.
 *
 * Lines end at CR, LF or CRLF and nowhere else, so U+2028 inside of JSON stays data. A message counts
 * only once its empty line came: what a broken stream leaves unfinished is not given.
 */
import { StreamLineTooLongError } from "./errors";

/** The longest line, and the most data in one message, in UTF-16 units. */
export const MAX_LINE = 4 * 1024 * 1024;

/** `event` is `message` unless the stream named it; `id` is the last id seen, or empty. */
export interface Message {
  readonly event: string;
  readonly data: string;
  readonly id: string;
}

/**
 * Make the decoder of one response body: it takes the chunks in order, and returns the messages that
 * each of them completes.
 *
 * It throws StreamLineTooLongError where a line, or the data of one message, is over the limit.
 */
export function decoder(): (chunk: Uint8Array) => Message[] {
  // It takes off a byte order mark, and puts together characters that were cut in two.
  const utf8 = new TextDecoder();
  let unfinished = "";
  let skipsLineFeed = false;
  let event = "";
  let data: string | undefined;
  let id = "";

  function read(line: string): void {
    const [, name, value = ""] = /^([^:]*):? ?(.*)/s.exec(line) ?? [];
    if (name === "data") data = data === undefined ? value : `${data}\n${value}`;
    if (name === "event") event = value;
    if (name === "id" && !value.includes("\0")) id = value;
    if (Math.max(line.length, data?.length ?? 0) > MAX_LINE) {
      throw new StreamLineTooLongError("the stream sent a line over 4 MiB: poll instead");
    }
  }

  return (chunk) => {
    const messages: Message[] = [];
    let text = utf8.decode(chunk, { stream: true });
    if (!text) return messages;
    if (skipsLineFeed && text[0] === "\n") text = text.slice(1);
    skipsLineFeed = text.endsWith("\r");
    // What was read before is not read again: a long line may come in thousands of chunks.
    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = unfinished + lines[0];
    unfinished = lines.pop() as string;
    for (const line of lines) {
      if (line) read(line);
      else {
        if (data !== undefined) messages.push({ event: event || "message", data, id });
        event = "";
        data = undefined;
      }
    }
    if (unfinished.length > MAX_LINE) read(unfinished);
    return messages;
  };
}
