/** A job's result, shown as its schema says; and as JSON. */
import type { Job } from "wire";
import { isNode, type Node } from "../playground/schema";
import { CodeBlock } from "../ui/code";
import { bytes } from "../ui/figures";
import { Tabs } from "../ui/tabs";
import css from "./result.module.css";
import { Value } from "./value";

export function Result({ job, schema }: { job: Job; schema: Node | null | undefined }) {
  const result = job.result ?? {};
  const json = JSON.stringify(result, null, 2);
  const tabs = [
    {
      id: "shown",
      label: "Result",
      content: <Value root={schema ?? {}} schema={schema ?? {}} value={result} name="result" />,
    },
    { id: "json", label: "JSON", content: <JsonView json={json} jobId={job.id} /> },
    ...(job.outputs.length > 0
      ? [{ id: "files", label: `Files (${job.outputs.length})`, content: <Files job={job} /> }]
      : []),
  ];
  return <Tabs label="Result" tabs={tabs.filter(({ id }) => id !== "shown" || isNode(result))} />;
}

function JsonView({ json, jobId }: { json: string; jobId: string }) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([json], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${jobId}.json`;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <div className={css["json"]}>
      <CodeBlock text={json} label="the result as JSON" />
      <p>
        <button type="button" className={css["save"]} onClick={save}>
          Download it
        </button>
      </p>
    </div>
  );
}

function Files({ job }: { job: Job }) {
  return (
    <ul className={css["files"]}>
      {job.outputs.map(({ name, drive_path, url, mime, size_bytes }) => (
        <li key={drive_path}>
          <a href={url} download={drive_path.split("/").pop()}>
            {drive_path.split("/").pop()}
          </a>
          <span className={css["soft"]}>
            {name}, {mime}, {bytes(size_bytes)}
          </span>
        </li>
      ))}
    </ul>
  );
}
