/** The decoder of server-sent events, with bytes that a network and a careless server may make. */
import { expect, test } from "vitest";
import { StreamLineTooLongError } from "../src/index";
import { decoder, MAX_LINE, type Message } from "../src/sse";

const bytes = (text: string) => new TextEncoder().encode(text);

function decoded(...chunks: (string | Uint8Array)[]): Message[] {
  const decode = decoder();
  return chunks.flatMap((chunk) => decode(typeof chunk === "string" ? bytes(chunk) : chunk));
}

const message = (data: string, id = "", event = "message"): Message => ({ event, data, id });

const ODD = bytes(
  "\uFEFF: a comment\r\n\r\n" +
    'id: 1\r\ndata: {"line":"a\u2028b\u2029c"}\r\n\r\n' +
    "event: step\rdata: first\rdata:\rdata:  third\r\r" +
    "id: 2\n:comment\n\n" +
    "id: a\0b\ndata: 😀 é €\nretry: 10\nnonsense\n\n" +
    "id\ndata\n\n" +
    "event: end\n\n" +
    "data: unfinished\n",
);
const WANTED = [
  message('{"line":"a\u2028b\u2029c"}', "1"),
  message("first\n\n third", "1", "step"),
  message("😀 é €", "2"),
  message(""),
];

test("line ends, comments, ids and characters are read alike wherever two cuts are made", () => {
  for (let first = 0; first <= ODD.length; first++) {
    for (let second = first; second <= ODD.length; second += 7) {
      const parts = [ODD.subarray(0, first), ODD.subarray(first, second), ODD.subarray(second)];
      expect(decoded(...parts), `cut at ${first} and ${second}`).toEqual(WANTED);
    }
  }
});

test("byte by byte is like all at once", () => {
  expect(decoded(...[...ODD].map((byte) => Uint8Array.of(byte)))).toEqual(WANTED);
});

test("a CR that ends a chunk and the LF that begins the next are one line end", () => {
  expect(decoded("data: a\r", "\ndata: b\r", "\n\r", "\n")).toEqual([message("a\nb")]);
  expect(decoded("data: a\r", "", "\n\r")).toEqual([message("a")]);
});

test("a message counts as soon as its empty line begins, not a byte later", () => {
  expect(decoded("data: a\r\n\r")).toEqual([message("a")]);
  expect(decoded("data: a\n")).toEqual([]);
});

test("bytes that are no UTF-8 become U+FFFD and the rest is read", () => {
  const odd = Uint8Array.of(...bytes("data: a"), 0xff, ...bytes("b\n\n"));
  expect(decoded(odd)).toEqual([message("a\uFFFDb")]);
});

test("only the first character can be a byte order mark", () => {
  expect(decoded("\uFEFFdata: a\n\n\uFEFFdata: b\n\ndata: \uFEFFc\n\n")).toEqual([
    message("a"),
    message("\uFEFFc"),
  ]);
});

test("an id with NUL is not taken, an empty one is", () => {
  expect(decoded("id: 7\ndata: a\n\nid: 8\0\ndata: b\n\nid:\ndata: c\n\n")).toEqual([
    message("a", "7"),
    message("b", "7"),
    message("c"),
  ]);
});

test("one decoder knows nothing of another one", () => {
  const first = decoder();
  first(bytes("id: 7\nevent: step\ndata: half"));
  expect(decoded("data: b\n\n")).toEqual([message("b")]);
});

test("a line of 4 MiB is read, and one unit more is refused as soon as it is there", () => {
  const room = "data: ".length;
  const longest = "x".repeat(MAX_LINE - room);
  expect(decoded(`data: ${longest}`, "\n\n")[0]?.data).toHaveLength(longest.length);
  expect(() => decoded(`data: ${longest}`, "x")).toThrow(StreamLineTooLongError);
  expect(() => decoded(`data: ${longest}x\n`)).toThrow(/over 4 MiB/);
  expect(() => decoded(`: ${"x".repeat(MAX_LINE)}`)).toThrow(StreamLineTooLongError);
});

test("many lines that make more than 4 MiB of data are refused too", () => {
  const line = `data: ${"x".repeat(MAX_LINE / 4)}\n`;
  expect(() => decoded(line, line, line, line)).toThrow(StreamLineTooLongError);
  expect(decoded(line, line, line, "\n")).toHaveLength(1);
});

test("the time that a long line takes does not grow with the number of its chunks squared", () => {
  const chunk = bytes("x".repeat(1024));
  const chunks = Array.from({ length: MAX_LINE / chunk.length - 1 }, () => chunk);
  expect(decoded("data: ", ...chunks, "\n\n")).toHaveLength(1);
}, 10_000);
