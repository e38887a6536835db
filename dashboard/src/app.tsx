/** The whole: what everything needs around it, and which page is shown. */
import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { PurasProvider } from "puras/react";
import { type ComponentType, lazy, Suspense, useEffect, useState } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { puras, session } from "./api/client";
import { queries } from "./api/queries";
import { HOME } from "./home";
import { PAGES, type PageEntry } from "./pages";
import { useSession } from "./session/use-session";
import { Boundary } from "./shell/boundary";
import { Missing } from "./shell/missing";
import { Shell } from "./shell/shell";
import { Failure, Loading } from "./ui/loaded";
import { Toasts } from "./ui/toasts";

const SHOWN = PAGES.map((page) => ({ page, Content: lazy(page.load) }));

export function App() {
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <PurasProvider client={puras}>
          <Shell>
            <Routes />
          </Shell>
          <Toasts />
        </PurasProvider>
      </QueryClientProvider>
    </CSPProvider>
  );
}

function Routes() {
  const [path] = useLocation();
  return (
    <Boundary key={path}>
      <Suspense fallback={<Loading what="the page" />}>
        <Switch>
          <Route path="/">
            <Redirect to={HOME} replace />
          </Route>
          {SHOWN.map(({ page, Content }) => (
            <Route key={page.path} path={page.path}>
              <Guarded page={page} Content={Content} />
            </Route>
          ))}
          <Route>
            <Missing />
          </Route>
        </Switch>
      </Suspense>
    </Boundary>
  );
}

/** Shows a page once it is known who looks; sends visitors to sign in where it is not for them. */
function Guarded({ page, Content }: { page: PageEntry; Content: ComponentType }) {
  const { status } = useSession();
  const [failure, setFailure] = useState<unknown>();
  const [path] = useLocation();
  const isSignIn = page.path === "/login";
  useEffect(() => {
    if (status === "unknown" && failure === undefined && !isSignIn) {
      session.token().catch(setFailure);
    }
  }, [status, failure, isSignIn]);
  if (isSignIn) return <Content />;
  if (status === "out" && !page.isPublic) {
    return <Redirect to={`/login?next=${encodeURIComponent(path)}`} replace />;
  }
  if (failure !== undefined && status === "unknown") {
    return <Failure error={failure} onRetry={() => setFailure(undefined)} />;
  }
  return status === "unknown" ? <Loading what="the page" /> : <Content />;
}
