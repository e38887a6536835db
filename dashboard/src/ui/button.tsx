/** Buttons, and links that look like them. */
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Link } from "wouter";
import css from "./button.module.css";

export type ButtonKind = "primary" | "plain" | "quiet" | "danger";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** Default: `plain`. A page has one `primary` button at most. */
  kind?: ButtonKind;
  /** Shows that it is under way, and takes no further press. */
  isBusy?: boolean;
}

export function Button({ kind = "plain", isBusy = false, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-busy={isBusy || undefined}
      aria-disabled={isBusy || rest["aria-disabled"]}
      onClick={isBusy ? undefined : onClick}
      className={classes(css["button"], css[kind], rest.className)}
    />
  );
}

/** A square button with an icon alone; `label` is its name. */
export function IconButton({
  label,
  ...rest
}: Omit<ButtonProps, "aria-label"> & { label: string }) {
  const className = classes(css["icon"], rest.className);
  return <Button kind="quiet" title={label} {...rest} aria-label={label} className={className} />;
}

export function LinkButton(props: { href: string; kind?: ButtonKind; children: ReactNode }) {
  const { href, kind = "plain", children } = props;
  return (
    <Link href={href} className={classes(css["button"], css[kind])}>
      {children}
    </Link>
  );
}

/** Join class names, leaving out those that are not there. */
export function classes(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}
