/** The versions of a skillpack: which one is active, going on or back to another, deleting one. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Deployment, Skillpack } from "wire";
import { Link } from "wouter";
import { call } from "../api/client";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { bytes, Time } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Empty, Panel } from "../ui/panel";
import { type Column, Table } from "../ui/table";
import { tellDone } from "../ui/toasts";
import { packPath, pageOf, refreshSkillpacks, useMayChange, useVersions } from "./skillpacks";
import css from "./skillpacks.module.css";

const STEP = 50;

export function VersionsTab({ pack }: { pack: Skillpack }) {
  const [wanted, setWanted] = useState(STEP);
  const versions = useVersions(pack.slug, wanted);
  return (
    <Loaded query={versions} what="the versions">
      {({ items, hasMore }) =>
        items.length > 0 ? (
          <Panel title="Versions">
            <Listed pack={pack} versions={items} />
            {hasMore && (
              <div className={css["more"]}>
                <Button isBusy={versions.isFetching} onClick={() => setWanted(items.length + STEP)}>
                  Show older ones
                </Button>
              </div>
            )}
          </Panel>
        ) : (
          <Empty title="Nothing was deployed yet">
            <p>Drop a folder or a zip here.</p>
          </Empty>
        )
      }
    </Loaded>
  );
}

function Listed({ pack, versions }: { pack: Skillpack; versions: readonly Deployment[] }) {
  const mayChange = useMayChange();
  const active = versions.find((version) => version.is_active)?.version;
  const columns: Column<Deployment>[] = [
    { title: "Version", cell: (version) => <Version pack={pack} version={version} /> },
    { title: "Deployed", cell: (version) => <Time at={version.created_at} /> },
    { title: "Size", cell: (version) => bytes(version.size_bytes), isNumber: true },
    {
      title: "Notes",
      cell: (version) => <span className={css["notes"]}>{version.notes ?? "–"}</span>,
    },
  ];
  if (mayChange) {
    columns.push({
      title: "Actions",
      cell: (version) => <Actions pack={pack} version={version} active={active} />,
    });
  }
  return <Table caption="Versions" columns={columns} rows={versions} rowKey={(one) => one.id} />;
}

function Version({ pack, version }: { pack: Skillpack; version: Deployment }) {
  return (
    <span className={css["badges"]}>
      <Link href={`${pageOf(pack.slug, "files")}&version=${version.version}`}>
        Version {version.version}
      </Link>
      {version.is_active && <Badge tone="good">active</Badge>}
    </span>
  );
}

interface ActionsProps {
  pack: Skillpack;
  version: Deployment;
  active: number | undefined;
}

function Actions({ pack, version, active }: ActionsProps) {
  const path = `${packPath(pack.slug)}/deployments/${version.id}`;
  const activate = useMutation({
    mutationFn: () => call(`${path}/activate`, { method: "POST" }),
    onSuccess: () =>
      tellDone(`Version ${version.version} is active`, "Jobs that are under way keep theirs."),
    onSettled: refreshSkillpacks,
  });
  if (version.is_active) return <span className={css["soft"]}>new jobs use it</span>;
  const isBack = active !== undefined && version.version < active;
  return (
    <span className={css["actions"]}>
      <Button
        isBusy={activate.isPending}
        aria-label={`${isBack ? "Roll back to" : "Activate"} version ${version.version}`}
        onClick={() => activate.mutate()}
      >
        {isBack ? "Roll back" : "Activate"}
      </Button>
      <Delete path={path} version={version} />
    </span>
  );
}

function Delete({ path, version }: { path: string; version: Deployment }) {
  const [isAsking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => call(path, { method: "DELETE" }),
    onSuccess: () => tellDone(`Version ${version.version} is deleted`),
    onSettled: () => {
      setAsking(false);
      return refreshSkillpacks();
    },
  });
  return (
    <>
      <Button
        kind="quiet"
        aria-label={`Delete version ${version.version}`}
        onClick={() => setAsking(true)}
      >
        Delete
      </Button>
      <Confirm
        title={`Delete version ${version.version}?`}
        verb="Delete"
        isOpen={isAsking}
        isBusy={remove.isPending}
        onConfirm={() => remove.mutate()}
        onClose={() => setAsking(false)}
      >
        Its files go, and it can't be activated or replayed any more. Its jobs stay readable, and
        its number is not used again.
      </Confirm>
    </>
  );
}
