/**
 * Sign in: with a secret key, or with the one-time link that led here.
 *
 * A link's secret stands in the fragment, which browsers send to nobody; it is taken out of the
 * address before anything else, so it stays neither in the history nor in a screenshot.
 */
import { useMutation } from "@tanstack/react-query";
import { type SubmitEvent, useEffect, useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { session } from "../api/client";
import { queries } from "../api/queries";
import { told } from "../api/refusal";
import { HOME } from "../home";
import { Page } from "../shell/page";
import { Button } from "../ui/button";
import { Field, Input } from "../ui/field";
import { Loading } from "../ui/loaded";
import { Notice, Panel } from "../ui/panel";
import css from "./login.module.css";
import type { SignInBody } from "./session";

const link = takeFragment();

export default function LoginPage() {
  const [, navigate] = useLocation();
  const [search] = useSearchParams();
  const signIn = useMutation({
    mutationFn: (body: SignInBody) => session.signIn(body),
    onSuccess: () => {
      queries.clear();
      navigate(ownPath(search.get("next")), { replace: true });
    },
    meta: { isTold: true },
  });
  const { mutate } = signIn;
  useEffect(() => {
    const secret = link.take();
    if (secret) mutate({ link: secret });
  }, [mutate]);
  return (
    <div className={css["login"]}>
      <Page title="Sign in">
        {link.isUsed && signIn.isPending ? (
          <Loading what="your session" />
        ) : (
          <KeyForm signIn={(key) => mutate({ key })} {...signIn} />
        )}
      </Page>
    </div>
  );
}

interface KeyFormProps {
  signIn: (key: string) => void;
  isPending: boolean;
  error: unknown;
}

function KeyForm({ signIn, isPending, error }: KeyFormProps) {
  const [key, setKey] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (key.trim()) signIn(key.trim());
  };
  return (
    <Panel title="With a secret key">
      {Boolean(error) && (
        <Notice tone="bad" title="You are not signed in">
          {told(error)}
        </Notice>
      )}
      <form onSubmit={submit} className={css["form"]}>
        <Field
          label="Secret key"
          hint="It begins with puras_live_. It is sent once, and not kept here."
        >
          {(ties) => (
            <Input
              {...ties}
              type="password"
              autoComplete="off"
              spellCheck={false}
              value={key}
              onChange={(event) => setKey(event.target.value)}
            />
          )}
        </Field>
        <Button type="submit" kind="primary" isBusy={isPending} disabled={!key.trim()}>
          Sign in
        </Button>
      </form>
      <p className={css["other"]}>
        No key at hand? <code>puras admin link</code> on the server prints a link that signs you in.
      </p>
    </Panel>
  );
}

/** Only a path of ours: nobody is sent elsewhere after signing in. */
export function ownPath(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) && !next.startsWith("/login") ? next : HOME;
}

/** Take a secret out of the address, to be used once. */
function takeFragment() {
  let secret = "";
  const taken = {
    isUsed: false,
    take(): string {
      const found = secret;
      secret = "";
      return found;
    },
  };
  if (location.pathname === "/login" && location.hash.length > 1) {
    secret = decodeURIComponent(location.hash.slice(1));
    taken.isUsed = true;
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return taken;
}
