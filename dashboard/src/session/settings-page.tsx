/** Who is signed in, where else, and the way out. */
import { useMutation, useQuery } from "@tanstack/react-query";
import type { Session as SessionRow, SessionToken } from "wire";
import { useLocation } from "wouter";
import { session } from "../api/client";
import { queries } from "../api/queries";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Time } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Panel } from "../ui/panel";
import { Table } from "../ui/table";
import { tellDone } from "../ui/toasts";
import { browserOf } from "./browser";
import css from "./settings.module.css";
import { useSignedIn } from "./use-session";

const POWERS: Readonly<Record<string, string>> = {
  full: "everything in this workspace",
  limited: "running skills and reading what is there; not deploying, and not managing keys",
  narrow: "running the skills that it names, and its own jobs",
};

export default function SettingsPage() {
  const signedIn = useSignedIn();
  const [, navigate] = useLocation();
  const signOut = useMutation({
    mutationFn: () => session.signOut(),
    onSuccess: () => {
      queries.clear();
      navigate("/login");
    },
  });
  return (
    <Page
      title="Settings"
      actions={
        <Button isBusy={signOut.isPending} onClick={() => signOut.mutate()}>
          Sign out
        </Button>
      }
    >
      {signedIn && <Who signedIn={signedIn} />}
      <Sessions />
    </Page>
  );
}

function Who({ signedIn }: { signedIn: SessionToken }) {
  const { key, workspace, power } = signedIn;
  return (
    <Panel title="Signed in">
      <dl className={css["facts"]}>
        <dt>Workspace</dt>
        <dd>{workspace}</dd>
        <dt>Key</dt>
        <dd>
          {key.name} <code>{key.prefix}</code>
        </dd>
        <dt>May do</dt>
        <dd>{POWERS[power] ?? power}</dd>
      </dl>
    </Panel>
  );
}

function Sessions() {
  const sessions = useQuery({
    queryKey: ["sessions"],
    queryFn: () => session.call("GET", "/session") as Promise<SessionRow[]>,
  });
  const end = useMutation({
    mutationFn: (id: string) => session.call("DELETE", `/session/${encodeURIComponent(id)}`),
    onSuccess: () => tellDone("The session is over"),
    onSettled: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
  });
  const columns = [
    { title: "Browser", cell: (row: SessionRow) => browserOf(row.user_agent) },
    { title: "Signed in", cell: (row: SessionRow) => <Time at={row.created_at} /> },
    { title: "Last used", cell: (row: SessionRow) => <Time at={row.last_used_at} /> },
    {
      title: "Session",
      cell: (row: SessionRow) =>
        row.current ? (
          <Badge tone="accent">this browser</Badge>
        ) : (
          <Button onClick={() => end.mutate(row.id)}>End it</Button>
        ),
    },
  ];
  return (
    <Panel title="Browsers that are signed in with this key">
      <Loaded query={sessions} what="the sessions">
        {(rows) => (
          <Table caption="Sessions" columns={columns} rows={rows} rowKey={(row) => row.id} />
        )}
      </Loaded>
    </Panel>
  );
}
