/** What a skillpack is called, who can use it, and the end of it. */
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Skillpack, SkillpackPatch } from "wire";
import { useLocation } from "wouter";
import { call } from "../api/client";
import { faultAt } from "../api/faults";
import { queries } from "../api/queries";
import { told } from "../api/refusal";
import { Button } from "../ui/button";
import { Confirm, Dialog, DialogActions } from "../ui/dialog";
import { Field, Input, TextArea } from "../ui/field";
import { Notice, Panel } from "../ui/panel";
import { tellDone } from "../ui/toasts";
import { packPath, pageOf, refreshSkillpacks, useMayChange } from "./skillpacks";
import css from "./skillpacks.module.css";

export function SettingsTab({ pack }: { pack: Skillpack }) {
  if (!useMayChange()) {
    return <Notice>The key that you signed in with may look at it, and not change it.</Notice>;
  }
  return (
    <div className={css["stack"]}>
      <Naming pack={pack} />
      <Publicity pack={pack} />
      <Removal pack={pack} />
    </div>
  );
}

function usePatch(pack: Skillpack, onSuccess: (changed: Skillpack) => void) {
  return useMutation({
    meta: { isTold: true },
    mutationFn: (body: SkillpackPatch) =>
      call<Skillpack>(packPath(pack.slug), { method: "PATCH", body }),
    onSuccess: (changed) => {
      queries.setQueryData(["skillpacks", changed.slug], changed);
      onSuccess(changed);
      return refreshSkillpacks();
    },
  });
}

function Naming({ pack }: { pack: Skillpack }) {
  const [, navigate] = useLocation();
  const [name, setName] = useState(pack.name);
  const [slug, setSlug] = useState(pack.slug);
  const [about, setAbout] = useState(pack.description ?? "");
  const patch = usePatch(pack, (changed) => {
    tellDone("The skillpack is changed");
    if (changed.slug !== pack.slug) navigate(pageOf(changed.slug, "settings"), { replace: true });
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!patch.isPending) patch.mutate({ name, slug, description: about.trim() || null });
  };
  const faults = ["$.name", "$.slug", "$.description"].map((path) => faultAt(patch.error, path));
  return (
    <Panel title="Name">
      <form className={css["form"]} onSubmit={submit}>
        <div className={css["pair"]}>
          <Field label="Name" fault={faults[0]} isRequired>
            {(ties) => <Input {...ties} value={name} onChange={(e) => setName(e.target.value)} />}
          </Field>
          <Field
            label="Slug"
            hint="It is part of the path that its skills are called by: callers have to follow."
            fault={faults[1]}
            isRequired
          >
            {(ties) => <Input {...ties} value={slug} onChange={(e) => setSlug(e.target.value)} />}
          </Field>
        </div>
        <div className={css["wide"]}>
          <Field label="Description" fault={faults[2]}>
            {(ties) => (
              <TextArea {...ties} value={about} onChange={(e) => setAbout(e.target.value)} />
            )}
          </Field>
        </div>
        {patch.error && !faults.some(Boolean) && <Notice tone="bad">{told(patch.error)}</Notice>}
        <Button type="submit" isBusy={patch.isPending}>
          Save
        </Button>
      </form>
    </Panel>
  );
}

function Publicity({ pack }: { pack: Skillpack }) {
  const [isAsking, setAsking] = useState(false);
  const patch = usePatch(pack, (changed) => {
    setAsking(false);
    tellDone(`The skillpack is ${changed.public ? "public" : "private"}`);
  });
  const verb = pack.public ? "Make it private" : "Make it public";
  return (
    <Panel title="Who can use it">
      <div className={css["form"]}>
        <p>
          {pack.public
            ? "It is public: other workspaces can run its skills, at their own cost, and anybody can read their pages without signing in."
            : "It is private: only this workspace can see it and run its skills."}
        </p>
        <Button onClick={() => setAsking(true)}>{verb}</Button>
      </div>
      <Confirm
        title={`${verb}?`}
        verb={verb}
        isOpen={isAsking}
        isBusy={patch.isPending}
        onConfirm={() => patch.mutate({ public: !pack.public })}
        onClose={() => setAsking(false)}
      >
        {pack.public
          ? "Other workspaces can't run its skills any more; their jobs that are under way go on."
          : "Everybody can read what its skills are for and what they take, and other workspaces can run them. Files and secrets stay yours."}
        {patch.error && <Notice tone="bad">{told(patch.error)}</Notice>}
      </Confirm>
    </Panel>
  );
}

function Removal({ pack }: { pack: Skillpack }) {
  const [isAsking, setAsking] = useState(false);
  return (
    <Panel title="Delete">
      <div className={css["form"]}>
        <p>All of its versions and secrets go with it. Its jobs stay readable.</p>
        <Button kind="danger" onClick={() => setAsking(true)}>
          Delete the skillpack
        </Button>
      </div>
      <Dialog title={`Delete ${pack.name}?`} isOpen={isAsking} onClose={() => setAsking(false)}>
        <Typed pack={pack} onClose={() => setAsking(false)} />
      </Dialog>
    </Panel>
  );
}

/** Asks for the slug, so that nobody deletes a skillpack by a slip. */
function Typed({ pack, onClose }: { pack: Skillpack; onClose: () => void }) {
  const [, navigate] = useLocation();
  const [typed, setTyped] = useState("");
  const [isWrong, setWrong] = useState(false);
  const remove = useMutation({
    meta: { isTold: true },
    mutationFn: () => call(packPath(pack.slug), { method: "DELETE" }),
    onSuccess: () => {
      navigate("/skillpacks");
      queries.removeQueries({ queryKey: ["skillpacks", pack.slug] });
      tellDone(`${pack.name} is deleted`);
      return refreshSkillpacks();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWrong(typed !== pack.slug);
    if (typed === pack.slug && !remove.isPending) remove.mutate();
  };
  return (
    <form className={css["stack"]} onSubmit={submit}>
      <p>This can't be undone: its versions, their files and its secrets are gone for good.</p>
      <Field
        label={`Type ${pack.slug} to confirm`}
        fault={isWrong ? `That is not ${pack.slug}.` : undefined}
        isRequired
      >
        {(ties) => (
          <Input
            {...ties}
            value={typed}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setTyped(event.target.value)}
          />
        )}
      </Field>
      {remove.error && <Notice tone="bad">{told(remove.error)}</Notice>}
      <DialogActions>
        <Button onClick={onClose}>Keep it</Button>
        <Button type="submit" kind="danger" isBusy={remove.isPending}>
          Delete for good
        </Button>
      </DialogActions>
    </form>
  );
}
