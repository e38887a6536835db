/** The files of a version, and what is different from another version. */
import type { BundleFile, Deployment, Skillpack } from "wire";
import { useSearchParams } from "wouter";
import { Field, Select } from "../ui/field";
import { bytes } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Empty, Panel } from "../ui/panel";
import { ChangeBadge } from "./change-badge";
import { FileView } from "./file-view";
import css from "./files.module.css";
import { useFiles, useVersions } from "./skillpacks";

export function FilesTab({ pack }: { pack: Skillpack }) {
  const versions = useVersions(pack.slug);
  return (
    <Loaded query={versions} what="the versions">
      {({ items }) =>
        items.length > 0 ? (
          <Chosen pack={pack} versions={items} />
        ) : (
          <Empty title="Nothing was deployed yet">
            <p>Drop a folder or a zip here.</p>
          </Empty>
        )
      }
    </Loaded>
  );
}

function Chosen({ pack, versions }: { pack: Skillpack; versions: readonly Deployment[] }) {
  const [query, setQuery] = useSearchParams();
  const numbered = (number: string | null) =>
    versions.find(({ version }) => String(version) === number);
  const version =
    numbered(query.get("version")) ?? versions.find((one) => one.is_active) ?? versions[0]!;
  const older = versions.find((one) => one.version < version.version);
  const base = query.get("base") === "none" ? undefined : (numbered(query.get("base")) ?? older);
  const change = (changes: Record<string, string>) =>
    setQuery((before) => ({ ...Object.fromEntries(before), tab: "files", ...changes }), {
      replace: true,
    });
  return (
    <div className={css["tab"]}>
      <div className={css["choices"]}>
        <Field label="Version">
          {(ties) => (
            <Select
              {...ties}
              value={version.version}
              onChange={(event) => change({ version: event.target.value })}
            >
              {versions.map((one) => (
                <VersionOption key={one.id} version={one} />
              ))}
            </Select>
          )}
        </Field>
        <Field label="Compared with">
          {(ties) => (
            <Select
              {...ties}
              value={base?.version ?? "none"}
              onChange={(event) => change({ base: event.target.value })}
            >
              <option value="none">nothing</option>
              {versions
                .filter((one) => one.id !== version.id)
                .map((one) => (
                  <VersionOption key={one.id} version={one} />
                ))}
            </Select>
          )}
        </Field>
      </div>
      <Files
        key={`${version.id} ${base?.id}`}
        pack={pack}
        version={version}
        base={base?.id === version.id ? undefined : base}
        open={query.get("file")}
        onOpen={(file) => change({ file })}
      />
    </div>
  );
}

function VersionOption({ version }: { version: Deployment }) {
  return (
    <option value={version.version}>
      Version {version.version}
      {version.is_active ? ", active" : ""}
    </option>
  );
}

interface FilesProps {
  pack: Skillpack;
  version: Deployment;
  base: Deployment | undefined;
  open: string | null;
  onOpen: (path: string) => void;
}

function Files({ pack, version, base, open, onOpen }: FilesProps) {
  const files = useFiles(pack.slug, { version, base: base?.version });
  return (
    <Loaded query={files} what="the files">
      {(listed) => {
        const changed = listed.files.filter((file) => file.change && file.change !== "same");
        const same = listed.files.filter((file) => file.change === "same");
        const shown = base ? changed : listed.files;
        const file = listed.files.find(({ path }) => path === open) ?? shown[0];
        return (
          <div className={css["columns"]}>
            <Panel title={base ? `Changed since version ${base.version}` : "Files"}>
              {shown.length === 0 && <p>Every file is the same.</p>}
              <List files={shown} open={file?.path} onOpen={onOpen} />
              {same.length > 0 && (
                <details className={css["same"]}>
                  <summary>
                    {same.length === 1 ? "1 file is the same" : `${same.length} files are the same`}
                  </summary>
                  <List files={same} open={file?.path} onOpen={onOpen} />
                </details>
              )}
            </Panel>
            {file && (
              <FileView
                key={file.path}
                slug={pack.slug}
                file={file}
                version={version}
                base={base}
              />
            )}
          </div>
        );
      }}
    </Loaded>
  );
}

interface ListProps {
  files: readonly BundleFile[];
  open: string | undefined;
  onOpen: (path: string) => void;
}

function List({ files, open, onOpen }: ListProps) {
  return (
    <ul className={css["list"]}>
      {files.map((file) => (
        <li key={file.path}>
          <button
            type="button"
            className={css["file"]}
            aria-current={file.path === open || undefined}
            onClick={() => onOpen(file.path)}
          >
            <span className={css["path"]}>{file.path}</span>
            <span className={css["size"]}>{bytes(file.size_bytes)}</span>
            <ChangeBadge file={file} />
          </button>
        </li>
      ))}
    </ul>
  );
}
