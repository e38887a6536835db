/** What a job was asked, shown as its schema says. Files of the drive get an address to be seen at. */
import { useQuery } from "@tanstack/react-query";
import type { Job, Signed } from "wire";
import { call } from "../api/client";
import type { Node } from "../playground/schema";
import { CodeBlock } from "../ui/code";
import { Empty, Panel } from "../ui/panel";
import { Tabs } from "../ui/tabs";
import { drivePathsOf, mapStrings } from "./files";
import { Value } from "./value";

export function Inputs({ job, schema }: { job: Job; schema: Node | undefined }) {
  const json = JSON.stringify(job.inputs, null, 2);
  const isEmpty = Object.keys(job.inputs).length === 0;
  const tabs = [
    { id: "shown", label: "Inputs", content: <Shown job={job} schema={schema ?? {}} /> },
    { id: "json", label: "JSON", content: <CodeBlock text={json} label="the inputs as JSON" /> },
  ];
  return (
    <Panel title="What was asked">
      {isEmpty ? <Empty title="It takes no inputs" /> : <Tabs label="Inputs" tabs={tabs} />}
    </Panel>
  );
}

function Shown({ job, schema }: { job: Job; schema: Node }) {
  const paths = drivePathsOf(schema, schema, job.inputs);
  const signed = useQuery({
    queryKey: ["jobs", job.id, "files", paths],
    queryFn: () => sign(paths),
    enabled: paths.length > 0,
  });
  const inputs = mapStrings(job.inputs, (text) => signed.data?.get(text) ?? text);
  return <Value root={schema} schema={schema} value={inputs} name="inputs" />;
}

/** A file that is gone keeps its path. */
async function sign(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const signed = await Promise.allSettled(
    paths.map((path) => call<Signed>("/v1/drive/sign", { method: "POST", body: { path } })),
  );
  return new Map(
    signed.flatMap((each, index) =>
      each.status === "fulfilled" ? [[paths[index] ?? "", each.value.signed_url]] : [],
    ),
  );
}
