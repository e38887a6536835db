/**
 * Server-sent events: bytes in, messages out, whatever the places where the network cuts them.
 *
 * Lines end at CR, LF or CRLF and nowhere else, so U+2028 inside of JSON stays data. A message counts
 * only once its empty line came: what a broken stream leaves unfinished is not yielded.
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

/** Decodes one response body. Feed it chunks in order; make a new one for each connection. */
export class Decoder {
  // It takes off a byte order mark, and puts together characters that were cut in two.
  private readonly _text = new TextDecoder();
  private _unfinished = "";
  private _skipsLineFeed = false;
  private _event = "";
  private _data: string[] = [];
  private _size = 0;
  private _id = "";

  /**
   * Yield the messages that this chunk completes.
   *
   * @throws StreamLineTooLongError where a line, or the data of one message, is over the limit.
   */
  *_feed(chunk: Uint8Array): Generator<Message, void> {
    let text = this._text.decode(chunk, { stream: true });
    if (!text) return;
    if (this._skipsLineFeed && text[0] === "\n") text = text.slice(1);
    this._skipsLineFeed = text.endsWith("\r");
    const lines = text.split(/\r\n|\r|\n/);
    const rest = lines.pop();
    for (const end of lines) {
      const message = this._read(this._unfinished + end);
      this._unfinished = "";
      if (message) yield message;
    }
    this._unfinished += rest;
    check(this._unfinished.length);
  }

  private _read(line: string): Message | undefined {
    check(line.length);
    if (!line) return this._dispatch();
    const [, name, value = ""] = /^([^:]*):? ?(.*)/s.exec(line) ?? [];
    if (name === "data") {
      this._data.push(value);
      this._size += value.length;
      check(this._size);
    }
    if (name === "event") this._event = value;
    if (name === "id" && !value.includes("\0")) this._id = value;
    return undefined;
  }

  private _dispatch(): Message | undefined {
    const message = { event: this._event || "message", data: this._data.join("\n"), id: this._id };
    const { length } = this._data;
    this._event = "";
    this._data = [];
    this._size = 0;
    return length > 0 ? message : undefined;
  }
}

function check(size: number): void {
  if (size <= MAX_LINE) return;
  throw new StreamLineTooLongError('the event stream sent a line over 4 MiB: use transport "poll"');
}
