/** Keeps a page that breaks from taking the rest with it, and says what happened. */
import { Component, type ReactNode } from "react";
import { Button } from "../ui/button";
import { CodeBlock } from "../ui/code";
import { Notice } from "../ui/panel";

/** Errors that mean: a part of the dashboard did not come. No mistake is behind those. */
const notLoaded = new WeakSet<Error>();
window.addEventListener("vite:preloadError", ({ payload }) => notLoaded.add(payload));

interface State {
  error: Error | undefined;
}

export class Boundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: undefined };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return notLoaded.has(error) ? <NotLoaded /> : <Broken error={error} />;
  }
}

function NotLoaded() {
  return (
    <Notice tone="bad" title="This page could not be loaded">
      <p>The server could not be reached, or has another version by now.</p>
      <LoadAgain />
    </Notice>
  );
}

function Broken({ error }: { error: Error }) {
  return (
    <Notice tone="bad" title="This page broke">
      <p>That is a mistake of ours, and nothing that you did. What was said:</p>
      <CodeBlock label="the error" text={`${error.name}: ${error.message}`} />
      <LoadAgain />
    </Notice>
  );
}

function LoadAgain() {
  return <Button onClick={() => window.location.reload()}>Load it again</Button>;
}
