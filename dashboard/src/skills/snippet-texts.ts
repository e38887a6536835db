/** The calls that the server does not write: for React, and for clients of MCP. Pure. */
import type { SkillCard } from "wire";

/** A whole component; the key in it has to be a publishable one. */
export function reactSnippet(card: SkillCard, apiBase: string): string {
  const inputs = JSON.stringify(card.examples[0]?.inputs ?? {}, null, 2).replaceAll("\n", "\n    ");
  return `import { Puras } from "puras";
import { PurasProvider, useRun } from "puras/react";

const puras = new Puras({ apiKey: "puras_pub_…", apiBase: ${JSON.stringify(apiBase)} });

export function App() {
  return (
    <PurasProvider client={puras}>
      <Skill />
    </PurasProvider>
  );
}

function Skill() {
  const { run, status, result, error } = useRun(${JSON.stringify(card.path)});
  const start = () =>
    run(${inputs});
  return (
    <>
      <button type="button" onClick={start}>Run</button>
      <p>{status}</p>
      {error && <p role="alert">{error.message}</p>}
      {result && <pre>{JSON.stringify(result, null, 2)}</pre>}
    </>
  );
}
`;
}

/** The entry of an MCP client's settings. */
export function mcpSnippet(apiBase: string): string {
  const server = {
    type: "http",
    url: `${apiBase}/mcp`,
    headers: { Authorization: "Bearer puras_live_…" },
  };
  return `${JSON.stringify({ mcpServers: { puras: server } }, null, 2)}\n`;
}
