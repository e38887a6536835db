/** The suites of evals that a skill went through, newest first. */
import { useQuery } from "@tanstack/react-query";
import type { EvalSummary, SkillCard } from "wire";
import { call } from "../api/client";
import { Badge } from "../ui/badge";
import { dollars, Time } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Empty, Panel } from "../ui/panel";
import { Table } from "../ui/table";

const COLUMNS = [
  { title: "When", cell: (suite: EvalSummary) => <Time at={suite.created_at} /> },
  { title: "Gate", cell: (suite: EvalSummary) => <Gate suite={suite} /> },
  { title: "Version", cell: (suite: EvalSummary) => suite.version, isNumber: true },
  {
    title: "Passed",
    cell: (suite: EvalSummary) => `${suite.pass_rate_pct.toFixed(0)} %`,
    isNumber: true,
  },
  {
    title: "Score",
    cell: (suite: EvalSummary) => suite.mean_score.toFixed(2),
    isNumber: true,
  },
  {
    title: "Runs",
    cell: (suite: EvalSummary) => `${suite.completed_runs} of ${suite.total_runs}`,
    isNumber: true,
  },
  {
    title: "Cost",
    cell: (suite: EvalSummary) => dollars(suite.total_cost_micros),
    isNumber: true,
  },
];

export function Evals({ card }: { card: SkillCard }) {
  const suites = useQuery({
    queryKey: ["evals", card.path],
    queryFn: ({ signal }) =>
      call<EvalSummary[]>(`/v1/skillpacks/${encodeURIComponent(card.skillpack)}/evals`, {
        query: { skill: card.skill, limit: 25 },
        signal,
      }),
  });
  return (
    <Panel title="Evals">
      <Loaded query={suites} what="the evals">
        {(rows) =>
          rows.length > 0 ? (
            <Table caption="Evals" columns={COLUMNS} rows={rows} rowKey={(suite) => suite.id} />
          ) : (
            <Empty title="No evals have run">
              <p>
                <code>puras eval {card.skillpack}</code> runs those that the skill has.
              </p>
            </Empty>
          )
        }
      </Loaded>
    </Panel>
  );
}

function Gate({ suite }: { suite: EvalSummary }) {
  if (suite.gate_passed === null) return <Badge>{suite.status}</Badge>;
  return suite.gate_passed ? <Badge tone="good">passed</Badge> : <Badge tone="bad">failed</Badge>;
}
