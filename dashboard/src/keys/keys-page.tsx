/** The workspace's keys: what each may do, what it spends today, and how to be rid of it. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Key } from "wire";
import { useSearchParams } from "wouter";
import { call } from "../api/client";
import { useList } from "../api/lists";
import { queries } from "../api/queries";
import { useSignedIn } from "../session/use-session";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Checkbox } from "../ui/field";
import { dollars, Time, useNow } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Meter } from "../ui/meter";
import { More } from "../ui/more";
import { Empty, Panel } from "../ui/panel";
import { Table } from "../ui/table";
import { tellDone } from "../ui/toasts";
import { fencesOf, stateOf } from "./fences";
import css from "./keys.module.css";
import { MintDialog } from "./mint-dialog";

const PATH = "/v1/keys";
const EVERY_MS = 5_000;

export default function KeysPage() {
  const keys = useList<Key>(PATH, { everyMs: EVERY_MS });
  const [isMinting, setMinting] = useState(false);
  const [search, setSearch] = useSearchParams();
  const isAll = search.has("revoked");
  return (
    <Page
      title="Keys"
      about="A secret key is for servers and people, a publishable one for pages and apps."
      actions={
        <Button kind="primary" onClick={() => setMinting(true)}>
          Mint a key
        </Button>
      }
    >
      <Panel
        title="The workspace's keys"
        actions={
          <Checkbox
            label="Revoked ones too"
            checked={isAll}
            onChange={() => setSearch(isAll ? {} : { revoked: "" }, { replace: true })}
          />
        }
      >
        <Loaded query={keys} what="the keys">
          {(rows) => (
            <>
              <List rows={isAll ? rows : rows.filter(({ revoked_at }) => !revoked_at)} />
              <More list={keys} />
            </>
          )}
        </Loaded>
      </Panel>
      {isMinting && <MintDialog onClose={() => setMinting(false)} onMinted={readAgain} />}
    </Page>
  );
}

function readAgain() {
  return queries.invalidateQueries({ queryKey: [PATH] });
}

function List({ rows }: { rows: readonly Key[] }) {
  const own = useSignedIn()?.key.id;
  const [leaving, setLeaving] = useState<Key>();
  const columns = [
    { title: "Key", cell: (key: Key) => <Name name={key} isOwn={key.id === own} /> },
    { title: "May do", cell: (key: Key) => <Fences of={key} /> },
    { title: "Spent today", cell: (key: Key) => <Spent of={key} /> },
    {
      title: "Last used",
      cell: ({ last_used_at }: Key) => (last_used_at ? <Time at={last_used_at} /> : "never"),
    },
    { title: "Ends", cell: (key: Key) => <End of={key} onRevoke={() => setLeaving(key)} /> },
  ];
  if (rows.length === 0) return <Empty title="There are no keys" />;
  return (
    <>
      <Table caption="Keys" columns={columns} rows={rows} rowKey={({ id }) => id} />
      {leaving && (
        <Revocation of={leaving} isOwn={leaving.id === own} onClose={() => setLeaving(undefined)} />
      )}
    </>
  );
}

function Name({ name: key, isOwn }: { name: Key; isOwn: boolean }) {
  return (
    <span className={css["name"]}>
      <strong>{key.name}</strong>
      <code>{key.prefix}</code>
      <span className={css["badges"]}>
        <Badge tone={key.kind === "secret" ? "warn" : "neutral"}>{key.kind}</Badge>
        {isOwn && <Badge tone="accent">yours</Badge>}
      </span>
    </span>
  );
}

function Fences({ of: key }: { of: Key }) {
  const fences = fencesOf(key);
  if (fences.length === 0) return <>every skill</>;
  return (
    <ul className={css["fences"]}>
      {fences.map((fence) => (
        <li key={fence}>{fence}</li>
      ))}
    </ul>
  );
}

function Spent({ of: { name, spent_today_micros: spent, daily_cap_usd: cap } }: { of: Key }) {
  if (cap === null) return <>{dollars(spent)}, no cap</>;
  const limit = cap * 1_000_000;
  return (
    <Meter
      label={`Spent today with ${name}`}
      text={`${dollars(spent)} of ${dollars(limit)}`}
      used={limit > 0 ? spent / limit : 1}
    />
  );
}

function End({ of: key, onRevoke }: { of: Key; onRevoke: () => void }) {
  const state = stateOf(key, useNow(10_000));
  if (key.revoked_at) {
    return (
      <span className={css["name"]}>
        <Badge tone="bad">revoked</Badge>
        <Time at={key.revoked_at} />
      </span>
    );
  }
  return (
    <span className={css["end"]}>
      {state === "expired" && <Badge tone="bad">expired</Badge>}
      {key.expires_at && <Time at={key.expires_at} />}
      <Button aria-label={`Revoke ${key.name}`} onClick={onRevoke}>
        Revoke
      </Button>
    </span>
  );
}

function Revocation(props: { of: Key; isOwn: boolean; onClose: () => void }) {
  const { of: key, isOwn, onClose } = props;
  const revoke = useMutation({
    mutationFn: () => call(`${PATH}/${key.id}`, { method: "DELETE" }),
    onSuccess: () => tellDone(`${key.name} is revoked`),
    onSettled: () => {
      onClose();
      return readAgain();
    },
  });
  return (
    <Confirm
      title={`Revoke ${key.name}?`}
      verb="Revoke"
      isOpen
      isBusy={revoke.isPending}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
    >
      <p>Whoever uses it is refused from that moment on. It can't be undone.</p>
      {isOwn && <p>It is the key that you signed in with: you will be signed out.</p>}
    </Confirm>
  );
}
