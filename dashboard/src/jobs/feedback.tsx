/** What a person thinks of the result: a thumb, and a comment. */
import { useMutation } from "@tanstack/react-query";
import { ThumbsDown, ThumbsUp } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { puras } from "../api/client";
import { Button, IconButton } from "../ui/button";
import { Field, Input } from "../ui/field";
import css from "./feedback.module.css";

type Rating = -1 | 1;

export function Feedback({ jobId }: { jobId: string }) {
  const [rating, setRating] = useState<Rating>();
  const [comment, setComment] = useState("");
  const send = useMutation({
    mutationFn: (given: { rating: Rating; comment: string }) =>
      puras.feedback(jobId, {
        rating: given.rating,
        ...(given.comment ? { comment: given.comment } : {}),
      }),
  });
  const rate = (given: Rating) => {
    setRating(given);
    send.mutate({ rating: given, comment });
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (rating) send.mutate({ rating, comment });
  };
  return (
    <form onSubmit={submit} className={css["feedback"]} aria-label="Feedback">
      <div className={css["thumbs"]}>
        <span>How is it?</span>
        <IconButton label="Good" aria-pressed={rating === 1} onClick={() => rate(1)}>
          <ThumbsUp size={16} aria-hidden />
        </IconButton>
        <IconButton label="Bad" aria-pressed={rating === -1} onClick={() => rate(-1)}>
          <ThumbsDown size={16} aria-hidden />
        </IconButton>
        <span role="status" className={css["soft"]}>
          {send.isSuccess && !send.isPending ? "Thank you, it is kept with the job." : ""}
        </span>
      </div>
      {rating && (
        <div className={css["comment"]}>
          <Field label="Comment">
            {(ties) => (
              <Input
                {...ties}
                value={comment}
                onChange={({ target }) => setComment(target.value)}
              />
            )}
          </Field>
          <Button type="submit" isBusy={send.isPending} disabled={!comment}>
            Send
          </Button>
        </div>
      )}
    </form>
  );
}
