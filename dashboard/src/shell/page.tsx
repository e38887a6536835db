/** The frame of a page: where it is, what it is called, what can be done on it. */
import { ChevronRight } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { Link } from "wouter";
import css from "./page.module.css";

export interface Crumb {
  label: string;
  href: string;
}

export interface PageProps {
  title: string;
  /** The pages above this one, the topmost first. */
  crumbs?: readonly Crumb[];
  /** A line under the title. */
  about?: ReactNode;
  /** Buttons beside the title. */
  actions?: ReactNode;
  children: ReactNode;
}

let isFirstPage = true;

export function Page({ title, crumbs = [], about, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Puras`;
  }, [title]);
  useEffect(() => {
    // A new page is announced by its heading, as a browser would announce a new document.
    if (!isFirstPage) heading.current?.focus({ preventScroll: true });
    if (!isFirstPage) window.scrollTo(0, 0);
    isFirstPage = false;
  }, []);
  return (
    <article className={css["page"]}>
      <header className={css["head"]}>
        <Crumbs crumbs={crumbs} here={title} />
        <div className={css["row"]}>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {actions && <div className={css["actions"]}>{actions}</div>}
        </div>
        {about && <div className={css["about"]}>{about}</div>}
      </header>
      {children}
    </article>
  );
}

function Crumbs({ crumbs, here }: { crumbs: readonly Crumb[]; here: string }) {
  if (crumbs.length === 0) return null;
  return (
    <nav aria-label="Breadcrumbs">
      <ol className={css["crumbs"]}>
        {crumbs.map(({ label, href }) => (
          <li key={href}>
            <Link href={href}>{label}</Link>
            <ChevronRight size={14} aria-hidden />
          </li>
        ))}
        <li aria-current="page">
          <span className={css["here"]}>{here}</span>
        </li>
      </ol>
    </nav>
  );
}
