/** Deploying from the browser: choose a folder or a zip, say where it belongs, send it. */
import { useSearchParams } from "wouter";
import { Page } from "../shell/page";
import { useMayChange, useSkillpacks } from "../skillpacks/skillpacks";
import { Button } from "../ui/button";
import { bytes } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Progress } from "../ui/meter";
import { Notice, Panel } from "../ui/panel";
import type { Bundle } from "./bundle/bundle";
import { MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES, MAX_UNPACKED_BYTES } from "./bundle/limits";
import { readEntries, takeEntries } from "./bundle/reading";
import { ChooseButtons } from "./choose-buttons";
import { type Chosen, choose, forgetChosen, useChosen } from "./chosen";
import css from "./deploy.module.css";
import { DeployForm } from "./deploy-form";
import { Overlay, useDrop } from "./drop-place";

export default function DeployPage() {
  const chosen = useChosen();
  const [query] = useSearchParams();
  const isOver = useDrop((transfer) => void choose(readEntries(takeEntries(transfer))));
  const wanted = query.get("skillpack") ?? undefined;
  if (!useMayChange()) return <NotAllowed />;
  return (
    <Page
      title="Deploy"
      crumbs={[{ label: "Skillpacks", href: "/skillpacks" }]}
      about="A folder or a zip of skills becomes a new version. Everything in it is checked first."
    >
      {isOver && <Overlay />}
      <Panel title="What to deploy">
        <What chosen={chosen} />
      </Panel>
      {chosen.status === "ready" && <Where bundle={chosen.bundle} wanted={wanted} />}
    </Page>
  );
}

function NotAllowed() {
  return (
    <Page title="Deploy" crumbs={[{ label: "Skillpacks", href: "/skillpacks" }]}>
      <Notice>
        The key that you signed in with can't deploy: sign in with one that has no fences.
      </Notice>
    </Page>
  );
}

function What({ chosen }: { chosen: Chosen }) {
  if (chosen.status === "packing") {
    return (
      <div role="status" className={css["packing"]}>
        <span>Packing the files…</span>
        <Progress label="Packing" fraction={chosen.fraction} />
      </div>
    );
  }
  if (chosen.status === "ready") return <Summary bundle={chosen.bundle} />;
  return (
    <div className={css["stack"]}>
      {chosen.status === "refused" && (
        <Notice tone="bad" title="This can't be deployed">
          {chosen.error instanceof Error ? chosen.error.message : String(chosen.error)}
        </Notice>
      )}
      <div className={css["place"]}>
        <p className={css["placeTitle"]}>Drop a folder or a zip here</p>
        <ChooseButtons />
        <p className={css["soft"]}>
          At most {MAX_BUNDLE_FILES.toLocaleString("en")} files and {bytes(MAX_UNPACKED_BYTES)},{" "}
          {bytes(MAX_BUNDLE_BYTES)} as a zip. What <code>.purasignore</code> names stays out, and so
          do <code>.git</code>, <code>node_modules</code>, <code>.env</code> and the like.
        </p>
      </div>
    </div>
  );
}

const MOST_NAMED = 100;

function Summary({ bundle }: { bundle: Bundle }) {
  const { files, leftOut } = bundle;
  return (
    <div className={css["stack"]}>
      <p>
        {bundle.name && <strong>{bundle.name}: </strong>}
        {files.length === 1 ? "1 file" : `${files.length.toLocaleString("en")} files`},{" "}
        {bytes(bundle.unpackedBytes)}; {bytes(bundle.archive.size)} to upload, of at most{" "}
        {bytes(MAX_BUNDLE_BYTES)}.
      </p>
      {leftOut.length > 0 && (
        <details>
          <summary>
            {leftOut.length === 1 ? "1 thing stays out" : `${leftOut.length} things stay out`}
          </summary>
          <ul className={css["names"]}>
            {leftOut.slice(0, MOST_NAMED).map((path) => (
              <li key={path}>
                <code>{path}</code>
              </li>
            ))}
            {leftOut.length > MOST_NAMED && <li>and {leftOut.length - MOST_NAMED} more</li>}
          </ul>
        </details>
      )}
      <div>
        <Button onClick={forgetChosen}>Choose something else</Button>
      </div>
    </div>
  );
}

function Where({ bundle, wanted }: { bundle: Bundle; wanted: string | undefined }) {
  const packs = useSkillpacks();
  return (
    <Loaded query={packs} what="the skillpacks">
      {(listed) => <DeployForm bundle={bundle} packs={listed} wanted={wanted} />}
    </Loaded>
  );
}
