/** Makes the whole page a place to drop a folder or a zip, and takes to where it is deployed. */
import { useEffect, useEffectEvent, useState } from "react";
import { createPortal } from "react-dom";
import { useLocation } from "wouter";
import { readEntries, takeEntries } from "./bundle/reading";
import { choose } from "./chosen";
import css from "./deploy.module.css";

export function DropPlace({ skillpack }: { skillpack?: string }) {
  const [, navigate] = useLocation();
  const isOver = useDrop((transfer) => {
    void choose(readEntries(takeEntries(transfer)));
    navigate(skillpack ? `/deploy?skillpack=${encodeURIComponent(skillpack)}` : "/deploy");
  });
  return isOver ? <Overlay /> : null;
}

/** Calls `onDrop` for files that are dropped anywhere; tells whether some are held over the page. */
export function useDrop(onDrop: (transfer: DataTransfer) => void): boolean {
  const [isOver, setOver] = useState(false);
  const take = useEffectEvent(onDrop);
  useEffect(() => {
    // Each element that is entered or left says so: only the last one that is left counts.
    let inside = 0;
    const count = (event: DragEvent, step: number) => {
      if (!hasFiles(event)) return;
      inside = Math.max(0, inside + step);
      setOver(inside > 0);
    };
    const enter = (event: DragEvent) => count(event, 1);
    const leave = (event: DragEvent) => count(event, -1);
    const over = (event: DragEvent) => hasFiles(event) && event.preventDefault();
    const drop = (event: DragEvent) => {
      if (!hasFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      inside = 0;
      setOver(false);
      take(event.dataTransfer);
    };
    const handlers = { dragenter: enter, dragleave: leave, dragover: over, drop } as const;
    for (const [name, handler] of Object.entries(handlers)) {
      window.addEventListener(name as "drop", handler);
    }
    return () => {
      for (const [name, handler] of Object.entries(handlers)) {
        window.removeEventListener(name as "drop", handler);
      }
    };
  }, []);
  return isOver;
}

export function Overlay() {
  return createPortal(
    <div className={css["overlay"]} aria-hidden>
      <p>Drop it to deploy it</p>
    </div>,
    document.body,
  );
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
