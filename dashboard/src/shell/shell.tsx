/** What stays while pages come and go: the navigation, who is signed in, the theme. */
import { Menu, X } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import mark from "../mark.svg";
import { PAGES } from "../pages";
import { useSession } from "../session/use-session";
import { classes, IconButton, LinkButton } from "../ui/button";
import css from "./shell.module.css";
import { ThemeButton } from "./theme-button";

export function Shell({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  const [isOpen, setOpen] = useState(false);
  const { status } = useSession();
  useEffect(() => setOpen(false), [path]);
  const isBare = path === "/login";
  return (
    <div className={classes(css["shell"], (isBare || status === "out") && css["bare"])}>
      <a href="#main" className={css["skip"]}>
        Skip to the content
      </a>
      <header className={css["bar"]}>
        <Link href="/" className={css["brand"]}>
          <img src={mark} alt="" width={24} height={24} />
          Puras
        </Link>
        <span className={css["tools"]}>
          {status === "out" && !isBare && <LinkButton href={signIn(path)}>Sign in</LinkButton>}
          <ThemeButton />
          {status === "in" && !isBare && (
            <IconButton
              label={isOpen ? "Close the menu" : "Open the menu"}
              aria-expanded={isOpen}
              aria-controls="navigation"
              className={css["opener"]}
              onClick={() => setOpen(!isOpen)}
            >
              {isOpen ? <X size={20} aria-hidden /> : <Menu size={20} aria-hidden />}
            </IconButton>
          )}
        </span>
      </header>
      {status === "in" && !isBare && <Navigation path={path} isOpen={isOpen} />}
      <main id="main" tabIndex={-1} className={css["main"]}>
        {children}
      </main>
    </div>
  );
}

function Navigation({ path, isOpen }: { path: string; isOpen: boolean }) {
  const session = useSession();
  return (
    <nav
      id="navigation"
      aria-label="Main"
      className={css["navigation"]}
      data-open={isOpen || undefined}
    >
      {session.status === "in" && (
        <p className={css["workspace"]}>
          <span className="visually-hidden">Workspace </span>
          {session.as.workspace}
        </p>
      )}
      <ul>
        {PAGES.map(({ path: href, entry }) => {
          if (!entry) return null;
          const isHere = href === sectionOf(path);
          return (
            <li key={href}>
              <Link href={href} aria-current={isHere ? "page" : undefined} className={css["entry"]}>
                <entry.icon size={16} aria-hidden />
                {entry.label}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

/** The entry that a page belongs to; a skill's own page has three segments. */
function sectionOf(path: string): string {
  const [first = "", , third] = path.slice(1).split("/");
  return third ? "/skills" : `/${first}`;
}

function signIn(path: string): string {
  return `/login?next=${encodeURIComponent(path)}`;
}
