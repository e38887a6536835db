/** The workspace's skillpacks; a folder or a zip that is dropped here is deployed. */
import type { Skillpack } from "wire";
import { Link } from "wouter";
import { DropPlace } from "../deploy/drop-place";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { LinkButton } from "../ui/button";
import { Time } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Empty, Panel } from "../ui/panel";
import { Table } from "../ui/table";
import { pageOf, useMayChange, useSkillpacks } from "./skillpacks";
import css from "./skillpacks.module.css";

const COLUMNS = [
  {
    title: "Skillpack",
    cell: (pack: Skillpack) => (
      <div className={css["name"]}>
        <Link href={pageOf(pack.slug)}>{pack.name}</Link>
        {pack.description && <span className={css["soft"]}>{pack.description}</span>}
      </div>
    ),
  },
  { title: "Slug", cell: (pack: Skillpack) => <code>{pack.slug}</code> },
  { title: "State", cell: (pack: Skillpack) => <State pack={pack} /> },
  { title: "Made", cell: (pack: Skillpack) => <Time at={pack.created_at} /> },
];

export default function ListPage() {
  const packs = useSkillpacks();
  const mayChange = useMayChange();
  return (
    <Page
      title="Skillpacks"
      about="Folders of skills, deployed as versions. Drop a folder or a zip anywhere here to deploy it."
      actions={
        mayChange && (
          <LinkButton kind="primary" href="/deploy">
            Deploy
          </LinkButton>
        )
      }
    >
      {mayChange && <DropPlace />}
      <Loaded query={packs} what="the skillpacks">
        {(listed) => (listed.length > 0 ? <Listed packs={listed} /> : <None />)}
      </Loaded>
    </Page>
  );
}

function Listed({ packs }: { packs: readonly Skillpack[] }) {
  return (
    <Panel title="All skillpacks">
      <Table caption="Skillpacks" columns={COLUMNS} rows={packs} rowKey={(pack) => pack.id} />
    </Panel>
  );
}

function State({ pack }: { pack: Skillpack }) {
  return (
    <span className={css["badges"]}>
      {pack.active_deployment_id ? (
        <Badge>deployed</Badge>
      ) : (
        <Badge tone="warn">nothing deployed</Badge>
      )}
      {pack.public && <Badge tone="good">public</Badge>}
    </span>
  );
}

function None() {
  return (
    <Empty title="There are no skillpacks yet">
      <p>
        Drop a folder here, or run <code>puras deploy examples/hello-world</code>
      </p>
    </Empty>
  );
}
