/** Makes a budget, or changes one. What a budget is for never changes. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Budget, BudgetWindow } from "wire";
import { call } from "../api/client";
import { faultAt, restOf } from "../api/faults";
import { useSkills } from "../skills/skills";
import { Dialog } from "../ui/dialog";
import { DialogForm, FieldRow } from "../ui/dialog-form";
import { Checkbox, Field, Input, Select } from "../ui/field";
import { tellDone } from "../ui/toasts";
import { type BudgetDraft, creationOf, draftOf, NEW_BUDGET, termsOf, WINDOWS } from "./terms";

const FIELDS = ["$.limit_usd", "$.alert_pct", "$.window"];

export interface BudgetDialogProps {
  /** The one to change; without it a new one is made. */
  budget: Budget | undefined;
  onClose: () => void;
  onSaved: () => void;
}

export function BudgetDialog({ budget, onClose, onSaved }: BudgetDialogProps) {
  const [draft, setDraft] = useState(budget ? draftOf(budget) : NEW_BUDGET);
  const change = (part: Partial<BudgetDraft>) => setDraft({ ...draft, ...part });
  const save = useMutation({
    mutationFn: () =>
      budget
        ? call(`/v1/budgets/${budget.id}`, { method: "PATCH", body: termsOf(draft) })
        : call("/v1/budgets", { method: "POST", body: creationOf(draft) }),
    onSuccess: () => {
      tellDone(budget ? "The budget is changed" : "The budget is made");
      onSaved();
      onClose();
    },
    meta: { isTold: true },
  });
  return (
    <Dialog title={budget ? "Change the budget" : "New budget"} isOpen onClose={onClose}>
      <DialogForm
        verb={budget ? "Save" : "Make it"}
        isBusy={save.isPending}
        failed="It was not saved"
        fault={restOf(save.error, FIELDS)}
        onSubmit={save.mutate}
        onClose={onClose}
      >
        {!budget && <Of of={draft.of} onChange={(of) => change({ of })} />}
        <Limit draft={draft} error={save.error} onChange={change} />
        <Checkbox
          label="Refuse jobs that would spend more; otherwise it only alerts"
          checked={draft.enforce}
          onChange={(event) => change({ enforce: event.target.checked })}
        />
        <Checkbox
          label="In force"
          checked={draft.enabled}
          onChange={(event) => change({ enabled: event.target.checked })}
        />
      </DialogForm>
    </Dialog>
  );
}

function Of({ of, onChange }: { of: string; onChange: (of: string) => void }) {
  const skills = useSkills();
  const packs = Map.groupBy(skills.data ?? [], ({ skillpack }) => skillpack.slug);
  return (
    <Field label="For" hint="What is spent by all of it counts together.">
      {(ties) => (
        <Select {...ties} value={of} onChange={(event) => onChange(event.target.value)}>
          <option value="">the whole workspace</option>
          {[...packs].map(([slug, listed]) => (
            <optgroup key={slug} label={slug}>
              <option value={slug}>all of {slug}</option>
              {listed.map(({ skill }) => (
                <option key={skill.name} value={`${slug}/${skill.name}`}>
                  {slug}/{skill.name}
                </option>
              ))}
            </optgroup>
          ))}
        </Select>
      )}
    </Field>
  );
}

interface LimitProps {
  draft: BudgetDraft;
  error: unknown;
  onChange: (part: Partial<BudgetDraft>) => void;
}

function Limit({ draft, error, onChange }: LimitProps) {
  return (
    <FieldRow>
      <Field label="Limit in US dollars" isRequired fault={faultAt(error, "$.limit_usd")}>
        {(ties) => (
          <Input
            {...ties}
            type="number"
            min="0"
            step="any"
            required
            value={draft.limit}
            onChange={(event) => onChange({ limit: event.target.value })}
          />
        )}
      </Field>
      <Field label="Time" fault={faultAt(error, "$.window")}>
        {(ties) => (
          <Select
            {...ties}
            value={draft.window}
            onChange={(event) => onChange({ window: event.target.value as BudgetWindow })}
          >
            {WINDOWS.map(([window, label]) => (
              <option key={window} value={window}>
                {label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field
        label="Alert at percent"
        hint="Leave it empty for no alert."
        fault={faultAt(error, "$.alert_pct")}
      >
        {(ties) => (
          <Input
            {...ties}
            type="number"
            min="1"
            max="100"
            value={draft.alert}
            onChange={(event) => onChange({ alert: event.target.value })}
          />
        )}
      </Field>
    </FieldRow>
  );
}
