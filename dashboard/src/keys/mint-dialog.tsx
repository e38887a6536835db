/** Mints a key. Its text is shown once, right after; it is kept nowhere. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { KeyKind, MintedKey } from "wire";
import { call } from "../api/client";
import { faultAt, restOf } from "../api/faults";
import { useSkills } from "../skills/skills";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/code";
import { Dialog, DialogActions } from "../ui/dialog";
import { DialogForm, FieldRow } from "../ui/dialog-form";
import { Checkbox, Fault, Field, Input, Select, TextArea } from "../ui/field";
import { Notice } from "../ui/panel";
import { creationOf, type KeyDraft, NEW_KEY } from "./fences";
import css from "./keys.module.css";

export function MintDialog({ onClose, onMinted }: { onClose: () => void; onMinted: () => void }) {
  const mint = useMutation({
    mutationFn: (draft: KeyDraft) =>
      call<MintedKey>("/v1/keys", { method: "POST", body: creationOf(draft) }),
    onSuccess: onMinted,
    meta: { isTold: true },
  });
  return (
    <Dialog title={mint.data ? "The key is minted" : "Mint a key"} isOpen onClose={onClose}>
      {mint.data ? (
        <Minted minted={mint.data} onClose={onClose} />
      ) : (
        <Form
          error={mint.error}
          isBusy={mint.isPending}
          onSubmit={mint.mutate}
          onCancel={onClose}
        />
      )}
    </Dialog>
  );
}

function Minted({ minted, onClose }: { minted: MintedKey; onClose: () => void }) {
  const text = minted.key ?? "";
  return (
    <div className={css["minted"]}>
      <Notice tone="warn" title="Copy it now">
        This is the only time that it is shown.
      </Notice>
      <p className={css["secret"]}>
        <code>{text}</code>
      </p>
      <DialogActions>
        <CopyButton text={text} label="the key" />
        <Button kind="primary" onClick={onClose}>
          I have it
        </Button>
      </DialogActions>
    </div>
  );
}

interface FormProps {
  error: unknown;
  isBusy: boolean;
  onSubmit: (draft: KeyDraft) => void;
  onCancel: () => void;
}

/** A part of the form: what it holds, what was wrong with it, and how it is changed. */
interface PartProps {
  draft: KeyDraft;
  error: unknown;
  onChange: (part: Partial<KeyDraft>) => void;
}

const FIELDS = [
  "$.name",
  "$.skills",
  "$.daily_cap_usd",
  "$.rate_per_minute",
  "$.concurrency",
  "$.allowed_origins",
  "$.expires_at",
];

function Form({ error, isBusy, onSubmit, onCancel }: FormProps) {
  const [draft, setDraft] = useState(NEW_KEY);
  const part = {
    draft,
    error,
    onChange: (change: Partial<KeyDraft>) => setDraft({ ...draft, ...change }),
  };
  return (
    <DialogForm
      verb="Mint"
      isBusy={isBusy}
      failed="It was not minted"
      fault={restOf(error, FIELDS)}
      onSubmit={() => onSubmit(draft)}
      onClose={onCancel}
    >
      <NameAndKind {...part} />
      <Allowlist {...part} />
      <Limits {...part} />
      {draft.kind === "publishable" && <Origins {...part} />}
    </DialogForm>
  );
}

function NameAndKind({ draft, error, onChange }: PartProps) {
  return (
    <>
      <Field label="Name" hint="Who or what uses it." isRequired fault={faultAt(error, "$.name")}>
        {(ties) => (
          <Input
            {...ties}
            required
            autoComplete="off"
            value={draft.name}
            onChange={(event) => onChange({ name: event.target.value })}
          />
        )}
      </Field>
      <Field
        label="Kind"
        hint={
          draft.kind === "secret"
            ? "For servers and people: keep it out of pages and apps."
            : "May stand in a page or an app: it runs skills, and sees its own jobs alone."
        }
      >
        {(ties) => (
          <Select
            {...ties}
            value={draft.kind}
            onChange={(event) => onChange({ kind: event.target.value as KeyKind })}
          >
            <option value="secret">secret</option>
            <option value="publishable">publishable</option>
          </Select>
        )}
      </Field>
    </>
  );
}

function Allowlist({ draft, error, onChange }: PartProps) {
  const skills = useSkills();
  const paths = (skills.data ?? []).map(
    ({ skillpack, skill }) => `${skillpack.slug}/${skill.name}`,
  );
  const toggle = (path: string) => {
    const others = draft.skills.filter((each) => each !== path);
    onChange({ skills: others.length < draft.skills.length ? others : [...others, path] });
  };
  return (
    <fieldset className={css["skills"]}>
      <legend>Skills: {draft.skills.length > 0 ? draft.skills.length : "every one"}</legend>
      {paths.length > 0 && (
        <div className={css["choices"]}>
          {paths.map((path) => (
            <Checkbox
              key={path}
              label={path}
              checked={draft.skills.includes(path)}
              onChange={() => toggle(path)}
            />
          ))}
        </div>
      )}
      <Fault text={faultAt(error, "$.skills")} />
    </fieldset>
  );
}

function Limits({ draft, error, onChange }: PartProps) {
  return (
    <FieldRow>
      <Field label="Daily cap in US dollars" fault={faultAt(error, "$.daily_cap_usd")}>
        {(ties) => (
          <Input
            {...ties}
            type="number"
            min="0"
            step="any"
            placeholder="no cap"
            value={draft.dailyCap}
            onChange={(event) => onChange({ dailyCap: event.target.value })}
          />
        )}
      </Field>
      <Field label="Submits a minute" fault={faultAt(error, "$.rate_per_minute")}>
        {(ties) => (
          <Input
            {...ties}
            type="number"
            min="1"
            placeholder="no limit"
            value={draft.rate}
            onChange={(event) => onChange({ rate: event.target.value })}
          />
        )}
      </Field>
      <Field label="Runs at once" fault={faultAt(error, "$.concurrency")}>
        {(ties) => (
          <Input
            {...ties}
            type="number"
            min="1"
            placeholder="no limit"
            value={draft.concurrency}
            onChange={(event) => onChange({ concurrency: event.target.value })}
          />
        )}
      </Field>
      <Field
        label="Last day"
        hint="Empty: it never expires."
        fault={faultAt(error, "$.expires_at")}
      >
        {(ties) => (
          <Input
            {...ties}
            type="date"
            value={draft.expires}
            onChange={(event) => onChange({ expires: event.target.value })}
          />
        )}
      </Field>
    </FieldRow>
  );
}

function Origins({ draft, error, onChange }: PartProps) {
  return (
    <Field
      label="Origins"
      hint="Pages that may use it, one in a line: https://app.example. Empty: every page."
      fault={faultAt(error, "$.allowed_origins")}
    >
      {(ties) => (
        <TextArea
          {...ties}
          spellCheck={false}
          value={draft.origins}
          onChange={(event) => onChange({ origins: event.target.value })}
        />
      )}
    </Field>
  );
}
