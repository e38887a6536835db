/** A skillpack's secrets: their names, setting and deleting them. A value is never shown. */
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Secret, Skillpack } from "wire";
import { call } from "../api/client";
import { faultAt } from "../api/faults";
import { told } from "../api/refusal";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Field, Input, TextArea } from "../ui/field";
import { Time } from "../ui/figures";
import { Loaded } from "../ui/loaded";
import { Empty, Notice, Panel } from "../ui/panel";
import { type Column, Table } from "../ui/table";
import { tellDone } from "../ui/toasts";
import { packPath, refreshSkillpacks, useMayChange, useSecrets } from "./skillpacks";
import css from "./skillpacks.module.css";

export function SecretsTab({ pack }: { pack: Skillpack }) {
  const secrets = useSecrets(pack.slug);
  const mayChange = useMayChange();
  return (
    <div className={css["stack"]}>
      <Panel title="Secrets">
        <Loaded query={secrets} what="the secrets">
          {(listed) =>
            listed.length > 0 ? (
              <Listed pack={pack} secrets={listed} />
            ) : (
              <Empty title="There are no secrets">
                <p>A run gets each as an environment variable of its name.</p>
              </Empty>
            )
          }
        </Loaded>
      </Panel>
      {mayChange && <SetSecret pack={pack} />}
    </div>
  );
}

function Listed({ pack, secrets }: { pack: Skillpack; secrets: readonly Secret[] }) {
  const mayChange = useMayChange();
  const columns: Column<Secret>[] = [
    { title: "Name", cell: (secret) => <code>{secret.name}</code> },
    { title: "Set", cell: (secret) => <Time at={secret.updated_at} /> },
  ];
  if (mayChange) {
    columns.push({ title: "Delete", cell: ({ name }) => <Delete pack={pack} name={name} /> });
  }
  return <Table caption="Secrets" columns={columns} rows={secrets} rowKey={(one) => one.name} />;
}

function Delete({ pack, name }: { pack: Skillpack; name: string }) {
  const [isAsking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () =>
      call(`${packPath(pack.slug)}/secrets/${encodeURIComponent(name)}`, { method: "DELETE" }),
    onSuccess: () => tellDone(`${name} is deleted`),
    onSettled: () => {
      setAsking(false);
      return refreshSkillpacks();
    },
  });
  return (
    <>
      <Button kind="quiet" aria-label={`Delete ${name}`} onClick={() => setAsking(true)}>
        Delete
      </Button>
      <Confirm
        title={`Delete ${name}?`}
        verb="Delete"
        isOpen={isAsking}
        isBusy={remove.isPending}
        onConfirm={() => remove.mutate()}
        onClose={() => setAsking(false)}
      >
        Runs that begin from now on do not have it, and its value can't be brought back.
      </Confirm>
    </>
  );
}

function SetSecret({ pack }: { pack: Skillpack }) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const put = useMutation({
    meta: { isTold: true },
    mutationFn: (body: { name: string; value: string }) =>
      call<Secret>(`${packPath(pack.slug)}/secrets`, { method: "PUT", body }),
    onSuccess: (secret) => {
      tellDone(`${secret.name} is set`, "Runs that begin from now on have it.");
      setName("");
      setValue("");
      return refreshSkillpacks();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!put.isPending) put.mutate({ name, value });
  };
  const nameFault = faultAt(put.error, "$.name");
  const valueFault = faultAt(put.error, "$.value");
  return (
    <Panel title="Set a secret">
      <form className={css["form"]} onSubmit={submit}>
        <Field
          label="Name"
          hint="A-Z, 0-9 and _. One that exists is replaced."
          fault={nameFault}
          isRequired
        >
          {(ties) => (
            <Input
              {...ties}
              value={name}
              autoComplete="off"
              autoCapitalize="characters"
              spellCheck={false}
              placeholder="API_TOKEN"
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <div className={css["wide"]}>
          <Field
            label="Value"
            hint="It may have several lines. It is never shown again."
            fault={valueFault}
            isRequired
          >
            {(ties) => (
              <TextArea
                {...ties}
                className={css["covered"]}
                value={value}
                autoComplete="off"
                spellCheck={false}
                onChange={(event) => setValue(event.target.value)}
              />
            )}
          </Field>
        </div>
        {put.error && !nameFault && !valueFault && <Notice tone="bad">{told(put.error)}</Notice>}
        <Button type="submit" isBusy={put.isPending}>
          Set the secret
        </Button>
      </form>
    </Panel>
  );
}
