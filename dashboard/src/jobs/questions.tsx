/** What a run asks a person: whether a tool may be used. */
import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import type { Approval } from "wire";
import { call } from "../api/client";
import { Button } from "../ui/button";
import { Json } from "../ui/code";
import { Field, Input } from "../ui/field";
import { Time } from "../ui/figures";
import css from "./questions.module.css";
import type { Question } from "./told";

export interface QuestionsProps {
  questions: readonly Question[];
  isOver: boolean;
}

export function Questions({ questions, isOver }: QuestionsProps) {
  if (isOver) return null;
  return questions.map((question) => <Asked key={question.id} question={question} />);
}

function Asked({ question }: { question: Question }) {
  const id = useId();
  const [reason, setReason] = useState("");
  const decide = useMutation({
    mutationFn: (decision: "approved" | "denied") =>
      call<Approval>(`/v1/approvals/${encodeURIComponent(question.id)}`, {
        method: "POST",
        body: { decision, ...(reason ? { reason } : {}) },
      }),
  });
  return (
    <section role="alert" aria-labelledby={id} className={css["asked"]}>
      <h3 id={id}>May it use {question.tool}?</h3>
      <Json value={question.input} label="what it would be given" />
      <Field label="Why, or why not" hint="The agent reads it.">
        {(ties) => (
          <Input {...ties} value={reason} onChange={({ target }) => setReason(target.value)} />
        )}
      </Field>
      <div className={css["buttons"]}>
        <Button kind="primary" isBusy={decide.isPending} onClick={() => decide.mutate("approved")}>
          Approve
        </Button>
        <Button kind="danger" disabled={decide.isPending} onClick={() => decide.mutate("denied")}>
          Deny
        </Button>
        {question.expiresAt && (
          <span className={css["soft"]}>
            No answer is a no <Time at={question.expiresAt} />
          </span>
        )}
      </div>
    </section>
  );
}
