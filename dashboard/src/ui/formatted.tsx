/**
 * Text with Markdown in it, as elements. What a model wrote is not trusted: HTML in it is shown as
 * text, links open elsewhere without saying whence, and pictures become links, since loading one
 * would tell its server who reads.
 */
import Markdown from "markdown-to-jsx/react";
import css from "./formatted.module.css";

const OPTIONS = {
  disableParsingRawHTML: true,
  forceBlock: true,
  overrides: {
    a: { props: { target: "_blank", rel: "noreferrer" } },
    img: ({ src, alt }: { src?: string; alt?: string }) => (
      <a href={src} target="_blank" rel="noreferrer">
        {alt || "picture"}
      </a>
    ),
  },
};

export default function Formatted({ text }: { text: string }) {
  return (
    <div className={css["formatted"]}>
      <Markdown options={OPTIONS}>{text}</Markdown>
    </div>
  );
}
