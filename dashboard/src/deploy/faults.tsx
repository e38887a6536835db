/** What the server found wrong with a bundle, at its file and its place there. */
import { useQuery } from "@tanstack/react-query";
import { PurasAPIError } from "puras";
import { Fragment } from "react";
import type { Fault } from "wire";
import { told } from "../api/refusal";
import { Notice } from "../ui/panel";
import type { Bundle } from "./bundle/bundle";
import css from "./deploy.module.css";
import { byFile, excerpt, lineOf, placeOf } from "./places";

export function BundleFaults({ error, bundle }: { error: unknown; bundle: Bundle }) {
  const found = error instanceof PurasAPIError ? (error.errors as readonly Fault[]) : [];
  return (
    <Notice tone="bad" title={titleOf(found)}>
      <p>
        {found.length > 0 ? (
          "Correct the files, then drop the folder or the zip here again."
        ) : (
          <Sentence text={told(error)} />
        )}
      </p>
      {byFile(found).map(({ file, faults }) => (
        <section key={file} className={css["faults"]} aria-label={file || "The bundle"}>
          {file && (
            <h3>
              <code>{file}</code>
            </h3>
          )}
          <ul>
            {faults.map((fault) => (
              <li key={`${fault.path} ${fault.message}`}>
                <FaultView fault={fault} file={file} bundle={bundle} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Notice>
  );
}

function FaultView({ fault, file, bundle }: { fault: Fault; file: string; bundle: Bundle }) {
  const place = placeOf(fault);
  const line = lineOf(fault);
  return (
    <>
      <p>
        {place && <strong className={css["faultPlace"]}>{place}: </strong>}
        <Sentence text={fault.message} />
      </p>
      {line !== undefined && <Excerpt bundle={bundle} file={file} line={line} />}
    </>
  );
}

function Excerpt({ bundle, file, line }: { bundle: Bundle; file: string; line: number }) {
  const source = bundle.files.find(({ path }) => path === file);
  const text = useQuery({
    queryKey: ["deploy", "text", file, line, bundle.archive.size],
    queryFn: async () => (source ? await (await source.read()).text() : ""),
    gcTime: 0,
  });
  if (!source || !text.data) return null;
  return (
    <pre className={css["excerpt"]}>
      {excerpt(text.data, line).map((one) => (
        <span
          key={one.number}
          className={css["excerptLine"]}
          data-here={one.number === line || undefined}
        >
          <span className={css["excerptNumber"]}>{one.number}</span>
          <code>{one.text}</code>
        </span>
      ))}
    </pre>
  );
}

/** A sentence of the server, with what stands between backticks as code. */
function Sentence({ text }: { text: string }) {
  return text.split(/`([^`]+)`/).map((part, at) => {
    return at % 2 === 1 ? <code key={at}>{part}</code> : <Fragment key={at}>{part}</Fragment>;
  });
}

function titleOf(faults: readonly Fault[]): string {
  if (faults.length === 0) return "It was not deployed";
  return faults.length === 1 ? "It has 1 fault" : `It has ${faults.length} faults`;
}
