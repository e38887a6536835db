/** Text to be copied: a line, or a block. */
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { Button, IconButton } from "./button";
import css from "./code.module.css";
import { tellFailure } from "./toasts";

const SHOWN_MS = 2_000;

/** Copies a text; says that it did. `label` names what is copied: "the path". */
export function CopyButton({ text, label, isIcon = false }: CopyButtonProps) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      tellFailure(new Error("The browser did not allow it: select the text and copy it by hand."));
    }
  }

  const icon = isCopied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />;
  return (
    <>
      {isIcon ? (
        <IconButton label={`Copy ${label}`} onClick={copy}>
          {icon}
        </IconButton>
      ) : (
        <Button onClick={copy} aria-label={`Copy ${label}`}>
          {icon} {isCopied ? "Copied" : "Copy"}
        </Button>
      )}
      <span role="status" className="visually-hidden">
        {isCopied ? "Copied" : ""}
      </span>
    </>
  );
}

interface CopyButtonProps {
  text: string;
  label: string;
  isIcon?: boolean;
}

/** A block of code with a button that copies it. */
export function CodeBlock({ text, label }: { text: string; label: string }) {
  return (
    <div className={css["block"]}>
      <pre className={css["pre"]} tabIndex={0} role="group" aria-label={label}>
        <code>{text}</code>
      </pre>
      <div className={css["copy"]}>
        <CopyButton text={text} label={label} isIcon />
      </div>
    </div>
  );
}

/** A short text in one line, to be copied: a path, an id. */
export function CodeLine({ text, label }: { text: string; label: string }) {
  return (
    <span className={css["line"]}>
      <code>{text}</code>
      <CopyButton text={text} label={label} isIcon />
    </span>
  );
}

/** A value as JSON. */
export function Json({ value, label }: { value: unknown; label: string }) {
  return <CodeBlock text={JSON.stringify(value, null, 2) ?? "null"} label={label} />;
}
