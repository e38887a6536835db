/** Where a bundle goes and what is said about it; sends it, and shows what the server found. */
import { useMutation } from "@tanstack/react-query";
import { PurasAPIError } from "puras";
import { type FormEvent, useRef, useState } from "react";
import type { Deployment, Skillpack } from "wire";
import { useLocation } from "wouter";
import { call } from "../api/client";
import { faultAt } from "../api/faults";
import { pageOf, refreshSkillpacks } from "../skillpacks/skillpacks";
import { Button } from "../ui/button";
import { Checkbox, Field, Input, Select, TextArea } from "../ui/field";
import { Progress } from "../ui/meter";
import { Panel } from "../ui/panel";
import { tellDone } from "../ui/toasts";
import type { Bundle } from "./bundle/bundle";
import { forgetChosen } from "./chosen";
import css from "./deploy.module.css";
import { BundleFaults } from "./faults";
import { type Target, targetOf } from "./target";
import { newIdempotencyKey, upload } from "./upload";

const NEW = "";

interface Wanted {
  readonly target: Target;
  readonly notes: string;
  readonly isActivated: boolean;
}

export interface DeployFormProps {
  bundle: Bundle;
  packs: readonly Skillpack[];
  wanted: string | undefined;
}

export function DeployForm({ bundle, packs, wanted }: DeployFormProps) {
  const [target, setTarget] = useState(() => targetOf(bundle, packs, wanted));
  const [notes, setNotes] = useState("");
  const [isActivated, setActivated] = useState(true);
  const { deploy, progress } = useDeploy(bundle, setTarget);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!deploy.isPending) deploy.mutate({ target, notes, isActivated });
  };
  return (
    <>
      {deploy.error && <BundleFaults error={deploy.error} bundle={bundle} />}
      <Panel title="Where it goes">
        <form className={css["form"]} onSubmit={submit}>
          <TargetFields target={target} packs={packs} error={deploy.error} onChange={setTarget} />
          <Field label="Notes" hint="What is new in this version; at most 2,000 characters.">
            {(ties) => (
              <TextArea
                {...ties}
                value={notes}
                maxLength={2000}
                onChange={(event) => setNotes(event.target.value)}
              />
            )}
          </Field>
          <Checkbox
            label="Activate it: new jobs use this version at once"
            checked={isActivated}
            onChange={(event) => setActivated(event.target.checked)}
          />
          {deploy.isPending && (
            <div role="status" className={css["packing"]}>
              <span>{progress < 1 ? "Uploading…" : "The server checks it…"}</span>
              <Progress label="Uploading" fraction={progress < 1 ? progress : undefined} />
            </div>
          )}
          <div>
            <Button type="submit" kind="primary" isBusy={deploy.isPending}>
              Deploy
            </Button>
          </div>
        </form>
      </Panel>
    </>
  );
}

function useDeploy(bundle: Bundle, setTarget: (target: Target) => void) {
  const [, navigate] = useLocation();
  const [progress, setProgress] = useState(0);
  const idempotencyKey = useRef(newIdempotencyKey());
  const deploy = useMutation({
    meta: { isTold: true },
    mutationFn: async ({ target, notes, isActivated }: Wanted) => {
      setProgress(0);
      if (!target.exists) {
        await makeSkillpack(target, bundle);
        setTarget({ ...target, exists: true });
      }
      return upload({
        skillpack: target.slug,
        bundle,
        notes,
        isActivated,
        idempotencyKey: idempotencyKey.current,
        onProgress: setProgress,
      });
    },
    onSuccess: (deployment: Deployment, { target }) => {
      navigate(pageOf(target.slug, "versions"));
      tellDone(`Version ${deployment.version} is deployed`, told(deployment));
      forgetChosen();
    },
    onError: (error) => {
      // An answer ends the try. Where none came it may have worked: the same key finds out.
      if (error instanceof PurasAPIError) idempotencyKey.current = newIdempotencyKey();
    },
    onSettled: refreshSkillpacks,
  });
  return { deploy, progress };
}

function makeSkillpack({ slug, name }: Target, bundle: Bundle): Promise<Skillpack> {
  const { description } = bundle.settings;
  const body = { slug, name: name.trim() || slug, ...(description && { description }) };
  return call<Skillpack>("/v1/skillpacks", { method: "POST", body });
}

function told(deployment: Deployment): string {
  return deployment.is_active ? "New jobs use it." : "It waits to be activated.";
}

interface TargetFieldsProps {
  target: Target;
  packs: readonly Skillpack[];
  error: unknown;
  onChange: (target: Target) => void;
}

function TargetFields({ target, packs, error, onChange }: TargetFieldsProps) {
  const isListed = packs.some((pack) => pack.slug === target.slug);
  const pick = (slug: string) => {
    const pack = packs.find((one) => one.slug === slug);
    onChange(
      pack ? { slug, name: pack.name, exists: true } : { slug: "", name: "", exists: false },
    );
  };
  return (
    <>
      <Field label="Skillpack">
        {(ties) => (
          <Select
            {...ties}
            value={target.exists ? target.slug : NEW}
            onChange={(event) => pick(event.target.value)}
          >
            <option value={NEW}>A new skillpack</option>
            {target.exists && !isListed && <option value={target.slug}>{target.name}</option>}
            {packs.map((pack) => (
              <option key={pack.id} value={pack.slug}>
                {pack.name} ({pack.slug})
              </option>
            ))}
          </Select>
        )}
      </Field>
      {!target.exists && (
        <div className={css["pair"]}>
          <Field label="Name" fault={faultAt(error, "$.name")}>
            {(ties) => (
              <Input
                {...ties}
                value={target.name}
                onChange={(event) => onChange({ ...target, name: event.target.value })}
              />
            )}
          </Field>
          <Field
            label="Slug"
            hint="Its skills are called by it: a-z, 0-9, _ and -."
            fault={faultAt(error, "$.slug")}
            isRequired
          >
            {(ties) => (
              <Input
                {...ties}
                value={target.slug}
                spellCheck={false}
                autoCapitalize="none"
                onChange={(event) => onChange({ ...target, slug: event.target.value })}
              />
            )}
          </Field>
        </div>
      )}
    </>
  );
}
